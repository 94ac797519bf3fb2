//! Reads heads as JavaScript does.

use shardcast_core::door::Head;

/// The headers of a request, `name: value`, in their order.
pub(crate) fn lines_of(head: &Head) -> Vec<String> {
    let mut own = head.own.split('\n');
    let line = |line: &str| match line.contains(": ") {
        true => line.to_owned(),
        false => format!("{line}: {}", own.next().expect("a value for each name")),
    };
    head.template.split('\n').map(line).collect()
}
