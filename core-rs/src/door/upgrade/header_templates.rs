//! The headers of upgrade requests, as the application gets them.
//!
//! Most of a head is the same for many clients: its template. The application reads a template once
//! and keeps it by its text. Each request brings its template, which all requests with the same one
//! share here, so that none depends on a request before it.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::sync::Arc;

use hyper::header::{AUTHORIZATION, COOKIE, FORWARDED, HeaderName, SEC_WEBSOCKET_KEY};
use rustc_hash::FxHashSet;

use crate::door::app::peer_header::PEER;
use crate::door::http::headers::Fields;

/// The headers by which clients differ.
static OWN_FIELDS: [HeaderName; 7] = [
    SEC_WEBSOCKET_KEY,
    COOKIE,
    AUTHORIZATION,
    FORWARDED,
    HeaderName::from_static("x-forwarded-for"),
    HeaderName::from_static("x-real-ip"),
    HeaderName::from_static("x-request-id"),
];

/// Templates that are shared. Each page, version and language of a browser makes one.
pub const MAX_TEMPLATES: usize = 256;

/// Longer templates are not shared. Browsers make none.
pub const MAX_TEMPLATE_BYTES: usize = 4096;

/// Splits headers into a template and a client's own values, and shares the templates.
#[derive(Default)]
pub(crate) struct HeaderTemplates(RefCell<Templates>);

#[derive(Default)]
struct Templates {
    /// So few that clients gain nothing by choosing such as collide.
    shared: FxHashSet<Arc<str>>,
    /// The same, oldest first: that one gives way to the next.
    by_age: VecDeque<Arc<str>>,
    /// Where the next is printed.
    draft: String,
}

/// The headers of a request: those that many clients share, and this client's own values.
pub struct TemplatedHeaders {
    /// What many clients have in common: `name: value` in a line each, and of what is the client's
    /// own only the name. Names are in lower case, lines in the order in which they came.
    pub template: Arc<str>,
    /// The values that the template leaves out, in a line each.
    pub own_values: String,
}

impl HeaderTemplates {
    /// Splits the headers of a request.
    pub(crate) fn split<F: Fields + ?Sized>(&self, fields: &F) -> TemplatedHeaders {
        let mut templates = self.0.borrow_mut();
        templates.draft.clear();
        let own_values = print(fields, &mut templates.draft);
        TemplatedHeaders { template: templates.of_draft(), own_values }
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
    let own = OWN_FIELDS.iter().find(|own| is(name, own));
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
    fn the_shared_templates_are_limited_and_none_is_long() {
        let templates = HeaderTemplates::default();
        for kind in 0..MAX_TEMPLATES + 10 {
            let kind = "x".repeat(kind);
            let long = "x".repeat(MAX_TEMPLATE_BYTES);
            for value in [kind.as_bytes(), long.as_bytes()] {
                templates.split(&[Header { name: "x-kind", value }][..]);
            }
        }
        let templates = templates.0.borrow();
        assert_eq!(
            (templates.shared.len(), templates.by_age.len()),
            (MAX_TEMPLATES, MAX_TEMPLATES)
        );
    }

    proptest! {
        #[test]
        fn headers_are_those_of_their_client_whatever_clients_came_before(
            clients in prop::collection::vec((0u16..600, any::<u16>()), 1..2000),
        ) {
            let templates = HeaderTemplates::default();
            for (kind, cookie) in clients {
                let (kind, cookie) = (kind.to_string(), cookie.to_string());
                let fields = [
                    Header { name: "X-Kind", value: kind.as_bytes() },
                    Header { name: "Cookie", value: cookie.as_bytes() },
                ];
                let TemplatedHeaders { template, own_values } = templates.split(&fields[..]);
                prop_assert_eq!(&*template, format!("x-kind: {kind}\ncookie"));
                prop_assert_eq!(own_values, cookie);
            }
        }
    }
}
