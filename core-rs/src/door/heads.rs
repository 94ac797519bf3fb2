//! Heads of requests on their way to the application.
//!
//! Most of a head is the same for many clients. The application reads that once, and is told from
//! then on by which number it knows it.

use std::cell::RefCell;
use std::mem;

use hyper::header::{AUTHORIZATION, COOKIE, FORWARDED, HeaderName, SEC_WEBSOCKET_KEY};
use rustc_hash::FxHashMap;

use super::proxy::PEER;
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

/// Heads that the application keeps. Of browsers there is one for each page, version and language.
const MAX_KNOWN: u32 = 256;

/// Longer ones are no browser's: each is told anew, by the number 0.
const MAX_KNOWN_BYTES: usize = 4096;

/// The heads that the application knows.
#[derive(Default)]
pub(super) struct Heads(RefCell<Known>);

#[derive(Default)]
struct Known {
    /// By what is common. So few that clients gain nothing by choosing such as collide.
    numbers: FxHashMap<Box<str>, u32>,
    /// What each number from 1 on stands for. The oldest gives way to the next.
    texts: Vec<Box<str>>,
    oldest: usize,
    common: String,
}

/// The headers of a request, in two parts.
pub struct Head {
    /// Of what many clients have in common: `name: value` in a line each, and of what is the
    /// client's own only the name. Names are in lower case, lines in the order of arrival.
    pub number: u32,
    /// That text, where the number has not stood for it so far.
    pub news: Option<String>,
    /// The values that are left out there, in a line each.
    pub own: String,
}

impl Heads {
    /// Parts the headers of a request.
    pub(super) fn part<F: Fields + ?Sized>(&self, fields: &F) -> Head {
        self.0.borrow_mut().part(fields)
    }
}

impl Known {
    fn part<F: Fields + ?Sized>(&mut self, fields: &F) -> Head {
        let mut common = mem::take(&mut self.common);
        common.clear();
        let own = print(fields, &mut common);
        let (number, is_news) = self.number_of(&common);
        let news = is_news.then(|| common.clone());
        self.common = common;
        Head { number, news, own }
    }

    /// The number that stands for it from now on, and whether it has not until now.
    fn number_of(&mut self, common: &str) -> (u32, bool) {
        if common.len() > MAX_KNOWN_BYTES {
            return (0, true);
        }
        if let Some(&number) = self.numbers.get(common) {
            return (number, false);
        }
        let number = self.free_number(common.into());
        self.numbers.insert(common.into(), number);
        (number, true)
    }

    fn free_number(&mut self, common: Box<str>) -> u32 {
        if (self.texts.len() as u32) < MAX_KNOWN {
            self.texts.push(common);
            return self.texts.len() as u32;
        }
        let at = self.oldest;
        self.oldest = (at + 1) % self.texts.len();
        self.numbers.remove(&mem::replace(&mut self.texts[at], common));
        at as u32 + 1
    }
}

/// Adds what is common to a text, and returns the rest. Nothing in it can hold a line break, nor a
/// name a colon: the parser has seen to it. Whatever comes by [`PEER`] is made up, and left out.
fn print<F: Fields + ?Sized>(fields: &F, common: &mut String) -> String {
    let mut own = String::with_capacity(64);
    let mut has_own = false;
    for (name, value) in fields.all().filter(|(name, _)| !is(name, &PEER)) {
        if !common.is_empty() {
            common.push('\n');
        }
        let begin = common.len();
        common.push_str(name);
        common[begin..].make_ascii_lowercase();
        if is_own(name, fields) {
            if has_own {
                own.push('\n');
            }
            has_own = true;
            push_value(&mut own, value);
        } else {
            common.push_str(": ");
            push_value(common, value);
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
