//! Every relative link in the repository's Markdown names a file or folder that exists.

use std::path::Path;

use gangplank_tests::place;
use pulldown_cmark::{Event, Parser, Tag};

use crate::error::TaskError;
use crate::sources;

/// The broken links, each with its file, and how many were looked at.
pub(crate) fn broken() -> Result<(Vec<String>, usize), TaskError> {
    let mut broken = Vec::new();
    let mut seen = 0;
    for page in sources::with_extension("md")? {
        let folder = page.path.parent().unwrap_or(Path::new(""));
        for target in relative_links(&page.text) {
            seen += 1;
            let file = match target.strip_prefix('/') {
                Some(from_top) => place::repository().join(from_top),
                None => place::repository().join(folder).join(&target),
            };
            if !file.exists() {
                broken.push(format!("{}: no such file: {target}", page.path.display()));
            }
        }
    }
    Ok((broken, seen))
}

/// The targets of links and pictures that are neither addresses nor places on the same page, without their anchors.
fn relative_links(markdown: &str) -> Vec<String> {
    Parser::new(markdown)
        .filter_map(|event| match event {
            Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => Some(dest_url),
            _ => None,
        })
        .map(|target| target.split('#').next().unwrap_or_default().replace("%20", " "))
        .filter(|target| !target.is_empty() && !target.contains("://") && !target.starts_with("mailto:"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::relative_links;

    #[test]
    fn only_relative_targets_outside_code_count() {
        let page = "[a](a.md#part) [b](https://b.example) [c](#here) ![d](d%20d.png) `[e](e.md)`\n\n\
            ```\n[f](f.md)\n```\n[g]\n\n[g]: ../g.md\n<mailto:x@y.example>\n";
        assert_eq!(relative_links(page), ["a.md", "d d.png", "../g.md"]);
    }
}
