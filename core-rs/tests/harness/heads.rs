//! Reads the headers of a request as JavaScript does.

use shardcast_core::door::TemplatedHeaders;

/// The headers of a request, `name: value`, in their order.
pub(crate) fn lines_of(headers: &TemplatedHeaders) -> Vec<String> {
    let mut own = headers.own_values.split('\n');
    let line = |line: &str| match line.contains(": ") {
        true => line.to_owned(),
        false => format!("{line}: {}", own.next().expect("a value for each name")),
    };
    headers.template.split('\n').map(line).collect()
}
