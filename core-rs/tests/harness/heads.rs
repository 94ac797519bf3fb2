//! Reads heads as JavaScript does.

use std::collections::HashMap;

use shardcast_core::door::Head;

/// What the numbers of heads stand for.
#[derive(Default)]
pub(crate) struct HeadReader(HashMap<u32, String>);

impl HeadReader {
    /// The headers of a request, `name: value`, in their order.
    pub(crate) fn read(&mut self, Head { number, news, own }: Head) -> Vec<String> {
        if let Some(news) = news {
            self.0.insert(number, news);
        }
        let mut own = own.split('\n');
        let line = |line: &str| match line.contains(": ") {
            true => line.to_owned(),
            false => format!("{line}: {}", own.next().expect("a value for each name")),
        };
        self.0[&number].split('\n').map(line).collect()
    }
}
