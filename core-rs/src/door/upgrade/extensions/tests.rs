use std::collections::HashSet;

use proptest::prelude::*;

use hyper::HeaderMap;

use super::*;

fn agreed(offers: &'static str) -> Option<(Form, String)> {
    let mut headers = HeaderMap::new();
    headers.insert(header::SEC_WEBSOCKET_EXTENSIONS, HeaderValue::from_static(offers));
    let Agreement { form, response } = agree(&headers)?;
    Some((form, response.to_str().expect("ASCII").to_owned()))
}

const PLAIN: &str = "permessage-deflate; client_no_context_takeover; server_no_context_takeover";

#[test]
fn an_offer_is_accepted_without_context_takeover() {
    for offer in [
        "permessage-deflate",
        "Permessage-Deflate",
        "permessage-deflate; client_max_window_bits",
        "permessage-deflate; client_max_window_bits=8; server_no_context_takeover",
        "permessage-deflate;client_no_context_takeover",
        "x-other; a=1, permessage-deflate",
        "permessage-deflate; server_max_window_bits=8, permessage-deflate",
    ] {
        assert_eq!(agreed(offer), Some((Form::Deflated, PLAIN.to_owned())), "{offer}");
    }
}

#[test]
fn a_limited_window_is_kept_to() {
    for (bits, form, kept) in [
        ("15", Form::Deflated, 15),
        ("12", Form::DeflatedNarrow, 9),
        ("\"9\"", Form::DeflatedNarrow, 9),
    ] {
        let offer = format!("permessage-deflate; server_max_window_bits={bits}").leak();
        let response = format!("{PLAIN}; server_max_window_bits={kept}");
        assert_eq!(agreed(offer), Some((form, response)));
    }
}

#[test]
fn what_is_malformed_or_cannot_be_kept_is_declined() {
    for offer in [
        "x-webkit-deflate-frame",
        "permessage-deflate; server_max_window_bits",
        "permessage-deflate; server_max_window_bits=8",
        "permessage-deflate; server_max_window_bits=16",
        "permessage-deflate; server_max_window_bits=09",
        "permessage-deflate; client_max_window_bits=7",
        "permessage-deflate; server_no_context_takeover=1",
        "permessage-deflate; client_no_context_takeover; client_no_context_takeover",
        "permessage-deflate; unknown",
        "permessage-deflate; ",
    ] {
        assert_eq!(agreed(offer), None, "{offer}");
    }
}

#[test]
fn what_another_extension_quotes_is_no_offer() {
    for offer in [
        r#"x; a="b, permessage-deflate, c""#,
        r#"x; a="b, permessage-deflate; client_max_window_bits, c""#,
        r#"x; a="\", permessage-deflate, \"""#,
        r#"x; a="never ends, permessage-deflate"#,
        r#"permessage-deflate; a=";", x"#,
    ] {
        assert_eq!(agreed(offer), None, "{offer}");
    }
    let beside = r#"x; a="b, c\", d", permessage-deflate"#;
    assert_eq!(agreed(beside), Some((Form::Deflated, PLAIN.to_owned())));
}

/// An extension that a client names, with its parameters.
#[derive(Clone, Debug)]
struct Offer {
    name: String,
    parameters: Vec<(String, Option<String>)>,
    quoted: bool,
}

impl Offer {
    fn print(&self) -> String {
        let mut printed = self.name.clone();
        for (name, value) in &self.parameters {
            printed += &match value {
                None => format!("; {name}"),
                Some(value) if self.quoted => format!(";{name} = \"{value}\""),
                Some(value) => format!("; {name}={value}"),
            };
        }
        printed
    }

    /// The value of a parameter that was offered: `Some(None)` without one.
    fn get(&self, name: &str) -> Option<Option<&str>> {
        let found = self.parameters.iter().find(|(its_name, _)| its_name == name);
        found.map(|(_, value)| value.as_deref())
    }

    /// RFC 7692, section 7.1: the parameters are known, stand once, and have proper values.
    fn is_proper(&self) -> bool {
        let is_window = |value: &str| (8..=15).any(|bits: u32| bits.to_string() == value);
        let names: HashSet<_> = self.parameters.iter().map(|(name, _)| name).collect();
        self.name.eq_ignore_ascii_case("permessage-deflate")
            && names.len() == self.parameters.len()
            && self.parameters.iter().all(|(name, value)| match (name.as_str(), value) {
                ("server_no_context_takeover" | "client_no_context_takeover", None) => true,
                ("client_max_window_bits", None) => true,
                ("client_max_window_bits" | "server_max_window_bits", Some(value)) => {
                    is_window(value)
                }
                _ => false,
            })
    }

    /// Whether a response with these parameters may answer it (RFC 7692, section 7.1).
    fn permits(&self, response: &[(&str, Option<u32>)]) -> bool {
        let limit = self.get("server_max_window_bits").flatten();
        let limit: Option<u32> = limit.and_then(|bits| bits.parse().ok());
        let names: HashSet<_> = response.iter().map(|(name, _)| name).collect();
        let demanded = |name: &str| self.get(name).is_none() || names.contains(&name);
        names.len() == response.len()
            && demanded("server_no_context_takeover")
            && demanded("server_max_window_bits")
            && response.iter().all(|(name, value)| match (*name, *value) {
                ("server_no_context_takeover" | "client_no_context_takeover", None) => true,
                ("server_max_window_bits", Some(bits)) => {
                    (8..=15).contains(&bits) && limit.is_some_and(|limit| bits <= limit)
                }
                ("client_max_window_bits", Some(bits)) => {
                    (8..=15).contains(&bits) && self.get("client_max_window_bits").is_some()
                }
                _ => false,
            })
    }
}

fn offer() -> impl Strategy<Value = Offer> {
    let name = prop_oneof![
        6 => Just("permessage-deflate"),
        1 => Just("PERMESSAGE-Deflate"),
        1 => Just("permessage-deflate2"),
        1 => Just("x-webkit-deflate-frame"),
    ];
    let parameter = prop_oneof![
        Just("server_no_context_takeover"),
        Just("client_no_context_takeover"),
        Just("client_max_window_bits"),
        Just("server_max_window_bits"),
        Just("unknown"),
    ];
    let value = prop::option::of(prop_oneof![
        4 => (0u32..20).prop_map(|bits| bits.to_string()),
        1 => "[+-]?[0-9]{1,3}",
        1 => "[a-z]{0,3}",
    ]);
    let parameters = prop::collection::vec((parameter.prop_map(str::to_owned), value), 0..4);
    (name.prop_map(str::to_owned), parameters, any::<bool>())
        .prop_map(|(name, parameters, quoted)| Offer { name, parameters, quoted })
}

fn lines(lines: &[String]) -> HeaderMap {
    let line = |line: &String| HeaderValue::try_from(line.as_str()).expect("it is printable");
    lines.iter().map(|it| (header::SEC_WEBSOCKET_EXTENSIONS, line(it))).collect()
}

fn parameters(response: &HeaderValue) -> Vec<(&str, Option<u32>)> {
    let mut parts = response.to_str().expect("ASCII").split("; ");
    assert_eq!(parts.next(), Some(NAME));
    parts
        .map(|part| match part.split_once('=') {
            Some((name, value)) => (name, Some(value.parse().expect("a number"))),
            None => (part, None),
        })
        .collect()
}

proptest! {
    #[test]
    fn nothing_is_agreed_on_that_the_rfc_forbids(
        offers in prop::collection::vec(prop::collection::vec(offer(), 1..4), 1..3),
    ) {
        let printed: Vec<String> = offers
            .iter()
            .map(|line| line.iter().map(Offer::print).collect::<Vec<_>>().join(", "))
            .collect();
        let mut proper = offers.iter().flatten().filter(|offer| offer.is_proper());
        match agree(&lines(&printed)) {
            Some(Agreement { form, response }) => {
                let response = parameters(&response);
                prop_assert!(proper.any(|offer| offer.permits(&response)), "{printed:?}");
                let narrow = response.contains(&("server_max_window_bits", Some(9)));
                prop_assert_eq!(form == Form::DeflatedNarrow, narrow);
            }
            // The smallest window there is cannot be kept to; all others can.
            None => prop_assert!(
                proper.all(|offer| offer.get("server_max_window_bits") == Some(Some("8"))),
                "{printed:?}"
            ),
        }
    }

    #[test]
    fn any_header_is_declined_or_answered_properly(
        pieces in prop::collection::vec(
            prop_oneof![
                Just("permessage-deflate"), Just("server_max_window_bits"), Just("="), Just(";"),
                Just(","), Just("\""), Just("\\"), Just(" "), Just("15"), Just("8"), Just("\t"),
                Just("client_max_window_bits"), Just("server_no_context_takeover"),
            ],
            0..20,
        ),
    ) {
        if let Some(agreement) = agree(&lines(&[pieces.concat()])) {
            prop_assert!(!parameters(&agreement.response).is_empty());
        }
    }
}
