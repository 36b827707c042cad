//! Every way to write a mount, and that what is printed is read back the same.

use proptest::prelude::*;

use super::*;

#[test]
fn the_text_form_is_docker_s() {
    let mount = Mount::parse("type=bind,src=/a b,dst=/c,readonly,consistency=Cached").unwrap();
    assert_eq!(mount.kind, MountKind::Bind);
    assert_eq!(mount.source.as_deref(), Some("/a b"));
    assert_eq!((mount.target.as_str(), mount.read_only), ("/c", true));
    assert_eq!(mount.consistency.as_deref(), Some("cached"));
    let quoted = Mount::parse("type=bind,\"source=/a,b\",destination=/c,ro=false").unwrap();
    assert_eq!(quoted.source.as_deref(), Some("/a,b"));
    assert!(!quoted.read_only);
    let volume = Mount::parse("source=cache,target=/c,volume-nocopy").unwrap();
    assert_eq!((volume.kind, volume.no_copy), (MountKind::Volume, true));
    let memory = Mount::parse("type=tmpfs,target=/t,tmpfs-size=64m,tmpfs-mode=1770").unwrap();
    assert_eq!((memory.tmpfs_size, memory.tmpfs_mode), (Some(64 << 20), Some(0o1770)));
    let equals = Mount::parse("type=bind,source=/a=b,target=/c").unwrap();
    assert_eq!(equals.source.as_deref(), Some("/a=b"));
}

#[test]
fn what_docker_refuses_is_refused_with_words() {
    for (text, expected) in [
        ("type=bind,target=/b", "a bind mount needs a source"),
        ("type=bind,source=/a", "a mount needs a target"),
        ("type=bind,source=/a,target=", "mount field \"target\" needs a value"),
        ("source=/a,target=/b", "the source \"/a\" is a path, but the mount's type is volume"),
        ("type=npipe,source=a,target=/b", "unknown mount type \"npipe\"; there are bind, volume and tmpfs"),
        ("type=tmpfs,source=a,target=/b", "a tmpfs mount has no source"),
        ("type=bind,source=/a,target=/b,rw", "unknown mount field \"rw\""),
        ("type=bind,source=/a,target=/b,ro=maybe", "mount field \"ro\" cannot be \"maybe\""),
        ("type=bind,source=\"/a,b\",target=/b", "not a list of comma-separated fields"),
        ("", "unknown mount field \"\""),
    ] {
        assert_eq!(Mount::parse(text).unwrap_err().to_string(), expected, "{text}");
    }
}

#[test]
fn the_object_form_has_the_same_fields() {
    let fields = [("type", "bind"), ("source", "/a"), ("target", "/b")];
    assert_eq!(Mount::from_fields(fields).unwrap(), Mount::bind("/a", "/b"));
}

#[test]
fn volumes_are_written_shorter() {
    let volume = Volume::parse("/a b:/c:ro,z").unwrap();
    assert_eq!(volume.host_path(), Some("/a b"));
    assert_eq!(volume.to_string(), "/a b:/c:ro,z");
    assert_eq!(Volume::parse("cache:/c").unwrap().host_path(), None);
    assert_eq!(Volume::parse("/c").unwrap().source, None);
    for text in ["a:b:c:d", ":/a", "./a:/b", "~/a:/b", "a:b", "", "/a:/b:"] {
        assert!(Volume::parse(text).is_err(), "{text}");
    }
}

prop_compose! {
    fn any_mount()(
        kind in prop::sample::select(vec![MountKind::Bind, MountKind::Volume, MountKind::Tmpfs]),
        source in "[a-z][^\0]{0,12}", target in "/[^\0]{0,12}",
        read_only: bool, non_recursive: bool, no_copy: bool,
        tmpfs_size in prop::option::of(0..1u64 << 40), tmpfs_mode in prop::option::of(0..0o7777u32),
    ) -> Mount {
        let source = match kind {
            MountKind::Bind => Some(format!("/{source}")),
            MountKind::Volume => Some(source),
            MountKind::Tmpfs => None,
        };
        Mount { read_only, non_recursive, no_copy, tmpfs_size, tmpfs_mode, ..Mount::new(kind, source, target) }
    }
}

proptest! {
    #[test]
    fn a_printed_mount_is_read_back_the_same(mount in any_mount()) {
        prop_assert_eq!(Mount::parse(&mount.to_string()).unwrap(), mount);
    }

    #[test]
    fn any_text_is_survived(text in "\\PC*") {
        let _ = Mount::parse(&text);
        let _ = Volume::parse(&text);
    }
}
