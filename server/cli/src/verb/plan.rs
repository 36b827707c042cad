//! `plan`: what `up` would start from.

use gangplank_protocol::catalogue::WorkspacePlan;
use gangplank_protocol::workspace::{Severity, WorkspacePlanParams, WorkspacePlanResult};

use super::Outcome;
use crate::args::workspace::Plan;
use crate::context::Context;
use crate::exit;
use crate::render::{escape, failure};

pub(super) async fn run(context: &Context, verb: &Plan) -> Outcome {
    let client = context.client().await?;
    let params = WorkspacePlanParams {
        engine: None,
        workspace: super::named::selector(context, &verb.workspace)?,
        client_environment: context.environment(),
    };
    let plan = client.call::<WorkspacePlan>(&params).await?;
    context.screen.value(context.format(), &plan, text)?;
    let unusable = plan.diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Error);
    Ok(if unusable { exit::CONFIGURATION } else { exit::OK })
}

fn text(plan: &WorkspacePlanResult) -> String {
    let mut lines = vec![row("folder", &plan.workspace_folder)];
    match &plan.configuration {
        Some(configuration) => lines.push(row("configuration", configuration)),
        None if plan.configurations.is_empty() => lines.push(row("configuration", "none")),
        None => lines.push(row("configuration", "to be chosen with --config")),
    }
    if plan.configurations.len() > 1 {
        lines.extend(plan.configurations.iter().map(|configuration| row("found", configuration)));
    }
    for offer in &plan.offers {
        lines.push(row("offered", &format!("{}: {} ({})", offer.title, offer.image, offer.reason)));
    }
    for (name, value) in
        [("name", &plan.name), ("image", &plan.image), ("in the container", &plan.remote_workspace_folder)]
    {
        if let Some(value) = value {
            lines.push(row(name, value));
        }
    }
    if let Some(container) = &plan.container {
        lines.push(row("container", &format!("{}, {}", container.name, container.state)));
    }
    if !plan.not_applied.is_empty() {
        lines.push(row("not applied yet", &plan.not_applied.join(", ")));
    }
    if !plan.host_effects.is_empty() {
        let trusted = if plan.trusted { "trusted before" } else { "to be trusted" };
        lines.push(row("on this machine", trusted));
        lines.extend(plan.host_effects.iter().map(|effect| format!("  {}", failure::effect(effect))));
    }
    lines.extend(plan.diagnostics.iter().map(failure::diagnostic));
    lines.join("\n") + "\n"
}

fn row(name: &str, value: &str) -> String {
    format!("{name:17} {}", escape::line(value))
}
