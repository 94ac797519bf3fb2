//! Heads of requests on their way to the application.
//!
//! Most of a head is the same for many clients: its template. The application reads a template once
//! and keeps it by its text. What crosses over stands for itself: each head brings its template,
//! which all heads of the kind share here, so that nothing depends on what was told before.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::sync::Arc;

use hyper::header::{AUTHORIZATION, COOKIE, FORWARDED, HeaderName, SEC_WEBSOCKET_KEY};
use rustc_hash::FxHashSet;

use super::peer::PEER;
use super::request::Fields;

/// The headers by which clients differ.
static OWN: [HeaderName; 7] = [
    SEC_WEBSOCKET_KEY,
    COOKIE,
    AUTHORIZATION,
    FORWARDED,
    HeaderName::from_static("x-forwarded-for"),
    HeaderName::from_static("x-real-ip"),
    HeaderName::from_static("x-request-id"),
];

/// Templates that are shared. Of browsers there is one for each page, version and language.
pub const MAX_TEMPLATES: usize = 256;

/// Longer ones are no browser's, and are not shared.
pub const MAX_TEMPLATE_BYTES: usize = 4096;

/// Prints heads, and shares what they have in common.
#[derive(Default)]
pub(super) struct Heads(RefCell<Templates>);

#[derive(Default)]
struct Templates {
    /// So few that clients gain nothing by choosing such as collide.
    shared: FxHashSet<Arc<str>>,
    /// The same, oldest first: that one gives way to the next.
    by_age: VecDeque<Arc<str>>,
    /// Where the next is printed.
    draft: String,
}

/// The headers of a request, in two parts.
pub struct Head {
    /// What many clients have in common: `name: value` in a line each, and of what is the client's
    /// own only the name. Names are in lower case, lines in the order of arrival.
    pub template: Arc<str>,
    /// The values that are left out there, in a line each.
    pub own: String,
}

impl Heads {
    /// Parts the headers of a request.
    pub(super) fn part<F: Fields + ?Sized>(&self, fields: &F) -> Head {
        let mut templates = self.0.borrow_mut();
        templates.draft.clear();
        let own = print(fields, &mut templates.draft);
        Head { template: templates.of_draft(), own }
    }
}

impl Templates {
    /// The template that was printed, shared with those before it that were the same.
    fn of_draft(&mut self) -> Arc<str> {
        if let Some(known) = self.shared.get(self.draft.as_str()) {
            return Arc::clone(known);
        }
        let template: Arc<str> = self.draft.as_str().into();
        if template.len() <= MAX_TEMPLATE_BYTES {
            self.share(&template);
        }
        template
    }

    fn share(&mut self, template: &Arc<str>) {
        if self.by_age.len() == MAX_TEMPLATES {
            self.by_age.pop_front().iter().for_each(|oldest| {
                self.shared.remove(oldest);
            });
        }
        self.by_age.push_back(Arc::clone(template));
        self.shared.insert(Arc::clone(template));
    }
}

/// Adds what is common to the draft of a template, and returns the rest. Nothing in it can hold a
/// line break, nor a name a colon: the parser has seen to it. Whatever comes by [`PEER`] is made
/// up, and left out.
fn print<F: Fields + ?Sized>(fields: &F, draft: &mut String) -> String {
    let mut own = String::with_capacity(64);
    let mut has_own = false;
    for (name, value) in fields.all().filter(|(name, _)| !is(name, &PEER)) {
        if !draft.is_empty() {
            draft.push('\n');
        }
        let begin = draft.len();
        draft.push_str(name);
        draft[begin..].make_ascii_lowercase();
        if is_own(name, fields) {
            if has_own {
                own.push('\n');
            }
            has_own = true;
            push_value(&mut own, value);
        } else {
            draft.push_str(": ");
            push_value(draft, value);
        }
    }
    own
}

/// One that comes more than once is left to the application, which knows how to join its values.
fn is_own<F: Fields + ?Sized>(name: &str, fields: &F) -> bool {
    let own = OWN.iter().find(|own| is(name, own));
    own.is_some_and(|own| fields.values(own).nth(1).is_none())
}

fn is(name: &str, other: &HeaderName) -> bool {
    name.eq_ignore_ascii_case(other.as_str())
}

/// A byte is a character of the same number, as everywhere in JavaScript's own HTTP.
fn push_value(text: &mut String, value: &[u8]) {
    match std::str::from_utf8(value) {
        Ok(ascii) if ascii.is_ascii() => text.push_str(ascii),
        _ => text.extend(value.iter().copied().map(char::from)),
    }
}

#[cfg(test)]
mod tests {
    use httparse::Header;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_shared_is_limited_and_has_no_long_templates() {
        let heads = Heads::default();
        for kind in 0..MAX_TEMPLATES + 10 {
            let kind = "x".repeat(kind);
            let long = "x".repeat(MAX_TEMPLATE_BYTES);
            for value in [kind.as_bytes(), long.as_bytes()] {
                heads.part(&[Header { name: "x-kind", value }][..]);
            }
        }
        let templates = heads.0.borrow();
        assert_eq!(
            (templates.shared.len(), templates.by_age.len()),
            (MAX_TEMPLATES, MAX_TEMPLATES)
        );
    }

    proptest! {
        #[test]
        fn a_head_says_what_its_client_said_whoever_came_before(
            clients in prop::collection::vec((0u16..600, any::<u16>()), 1..2000),
        ) {
            let heads = Heads::default();
            for (kind, cookie) in clients {
                let (kind, cookie) = (kind.to_string(), cookie.to_string());
                let fields = [
                    Header { name: "X-Kind", value: kind.as_bytes() },
                    Header { name: "Cookie", value: cookie.as_bytes() },
                ];
                let Head { template, own } = heads.part(&fields[..]);
                prop_assert_eq!(&*template, format!("x-kind: {kind}\ncookie"));
                prop_assert_eq!(own, cookie);
            }
        }
    }
}
