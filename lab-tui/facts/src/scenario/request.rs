//! `[[load.request]]`: what is sent, and which answers are no failure.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use toml::Spanned;

use super::refusal::{Wrong, suggest};
use super::template::Template;
use super::vars::Values;
use crate::event::Outcome;

/// One kind of request.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// Unique in its load; the method and the template where the file gives none.
    pub name: String,
    /// How often it is drawn, against the others' weights.
    pub weight: u32,
    /// What it asks for.
    pub method: Method,
    /// Where it goes.
    pub target: Target,
    /// Valid names in lower case, each once, in their order; values that are valid whatever the variables are.
    pub headers: Vec<(String, Template)>,
    /// What it carries; its variables are inserted as they are.
    pub body: Option<Template>,
    /// Statuses that are no failure; empty means 200 to 399.
    pub expect_status: Vec<u16>,
}

impl Request {
    /// The names of the variables that it needs values of, some of them more than once.
    pub(super) fn variables(&self) -> impl Iterator<Item = &str> {
        let target = match &self.target {
            Target::Service { path, .. } => path,
            Target::Absolute(url) => url,
        };
        let headers = self.headers.iter().map(|(_, value)| value);
        headers.chain(&self.body).chain([target]).flat_map(Template::variables)
    }
}

/// What a request asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Method {
    /// `GET`
    Get,
    /// `POST`
    Post,
    /// `PUT`
    Put,
    /// `PATCH`
    Patch,
    /// `DELETE`
    Delete,
    /// `HEAD`
    Head,
}

/// Where a request goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// A path on a service of the stack.
    Service {
        /// The service's name, known to the stack.
        service: String,
        /// Begins with a slash.
        path: Template,
    },
    /// A whole `http://` or `https://` URL. Its host is no variable, so that a template that begins with `https://` always does.
    Absolute(Template),
}

impl Request {
    /// Whether it may end so.
    pub fn expects(&self, outcome: Outcome) -> bool {
        match outcome {
            Outcome::Status(status) if self.expect_status.is_empty() => (200..400).contains(&status),
            Outcome::Status(status) => self.expect_status.contains(&status),
            // Cut off by the user, not failed by the system.
            Outcome::Interrupted => true,
            Outcome::Timeout | Outcome::ConnectionFailed | Outcome::ConnectionBroken | Outcome::Outlasted => false,
        }
    }
}

impl Method {
    /// As HTTP writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
            Self::Head => "HEAD",
        }
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A request as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RequestTable {
    name: Option<String>,
    weight: Option<Spanned<i64>>,
    get: Option<Spanned<String>>,
    post: Option<Spanned<String>>,
    put: Option<Spanned<String>>,
    patch: Option<Spanned<String>>,
    delete: Option<Spanned<String>>,
    head: Option<Spanned<String>>,
    #[serde(default)]
    headers: BTreeMap<Spanned<String>, Spanned<String>>,
    body: Option<Spanned<String>>,
    #[serde(default)]
    expect_status: Vec<Spanned<i64>>,
}

impl RequestTable {
    /// The one method, and the path or URL that goes with it.
    fn method(&mut self) -> Result<Option<(Method, Spanned<String>)>, Wrong> {
        let each = [
            (Method::Get, self.get.take()),
            (Method::Post, self.post.take()),
            (Method::Put, self.put.take()),
            (Method::Patch, self.patch.take()),
            (Method::Delete, self.delete.take()),
            (Method::Head, self.head.take()),
        ];
        let mut given: Vec<(Method, Spanned<String>)> = each.into_iter().filter_map(|(method, target)| Some((method, target?))).collect();
        given.sort_by_key(|(_, target)| target.span().start);
        if let [(first, _), (second, target), ..] = given.as_slice() {
            let what = format!("the request is a {first}, and cannot be a {second} as well");
            return Err(Wrong::new(target.span(), what, "write a [[load.request]] for each"));
        }
        Ok(given.pop())
    }
}

/// What requests may refer to.
pub(super) struct Known<'k> {
    /// Where paths go.
    pub(super) service: Option<&'k Spanned<String>>,
    /// The names that the stack knows.
    pub(super) services: &'k [&'k str],
    pub(super) vars: &'k BTreeMap<String, Values>,
}

/// Reads one request; with it comes the place to blame for its name.
pub(super) fn read(table: Spanned<RequestTable>, known: &Known<'_>) -> Result<(Request, std::ops::Range<usize>), Wrong> {
    let whole = table.span();
    let mut table = table.into_inner();
    let Some((method, target)) = table.method()? else {
        let hint = "add `get = \"/…\"`, or `post`, `put`, `patch`, `delete` or `head`";
        return Err(Wrong::new(whole, "the request does not say what it asks for", hint));
    };
    let name = table.name.unwrap_or_else(|| format!("{method} {}", target.get_ref()));
    let span = target.span();
    let target = known.target(&target)?;
    let headers = known.headers(table.headers)?;
    let body = match table.body {
        None => None,
        Some(body) => {
            let hint = "write a variable as `{name}`, and close each `{{` with `}}`";
            let template = Template::parse_body(body.get_ref()).map_err(|what| Wrong::new(body.span(), what, hint))?;
            known.check(&template, &body).map_err(|wrong| Wrong {
                hint: wrong.hint.map(|hint| format!("{hint}; double the braces where no variable is meant")),
                ..wrong
            })?;
            Some(template)
        }
    };
    let weight = match table.weight {
        None => 1,
        Some(weight) => u32::try_from(*weight.get_ref()).map_err(|_| {
            Wrong::new(weight.span(), format!("a weight of {} is out of range", weight.get_ref()), "write a whole number from 0")
        })?,
    };
    let mut expect_status = Vec::new();
    for status in table.expect_status {
        match u16::try_from(*status.get_ref()) {
            Ok(code) if (100..=599).contains(&code) => expect_status.push(code),
            _ => return Err(Wrong::new(status.span(), format!("{} is no HTTP status", status.get_ref()), "write codes from 100 to 599")),
        }
    }
    Ok((Request { name, weight, method, target, headers, body, expect_status }, span))
}

/// Headers that are not the scenario's to set, and who sets them.
const TAKEN: [(&str, &str); 5] = [
    ("traceparent", "the lab writes it, so that each request has its trace"),
    ("host", "it is what the URL says"),
    ("content-length", "it is what the body is long"),
    ("transfer-encoding", "it belongs to the connection"),
    ("connection", "connections are kept alive"),
];

impl Known<'_> {
    fn template(&self, source: &Spanned<String>) -> Result<Template, Wrong> {
        let hint = "write a variable as `{name}`, a brace as `{{`";
        let template = Template::parse(source.get_ref()).map_err(|what| Wrong::new(source.span(), what, hint))?;
        self.check(&template, source)?;
        Ok(template)
    }

    fn check(&self, template: &Template, source: &Spanned<String>) -> Result<(), Wrong> {
        let names: Vec<&str> = self.vars.keys().map(String::as_str).collect();
        let Some(unknown) = template.variables().find(|name| !names.contains(name)) else { return Ok(()) };
        let hint = if names.is_empty() { format!("add `{unknown} = [\"…\"]` under [load.vars]") } else { suggest(unknown, &names) };
        Err(Wrong::new(source.span(), format!("the variable `{unknown}` is not in [load.vars]"), hint))
    }

    fn target(&self, written: &Spanned<String>) -> Result<Target, Wrong> {
        let (span, source) = (written.span(), written.get_ref());
        let template = self.template(written)?;
        if let Some(rest) = source.strip_prefix("http://").or_else(|| source.strip_prefix("https://")) {
            let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
            if host.contains(['{', '@']) {
                let what = format!("`{source}` has a variable or a password in its host");
                return Err(Wrong::new(span, what, "write host and port in full; only path and parameters vary"));
            }
            url::Url::parse(&template.render(|_| "x"))
                .map_err(|error| Wrong::new(span, format!("`{source}` is no URL: {error}"), "write http://host:port/path"))?;
            return Ok(Target::Absolute(template));
        }
        if !source.starts_with('/') {
            return Err(Wrong::new(span, format!("`{source}` is neither a path nor an http:// or https:// URL"), "begin it with a slash"));
        }
        let Some(service) = self.service else {
            let hint = format!("add `service = \"{}\"` to the load", self.services.first().unwrap_or(&"…"));
            return Err(Wrong::new(span, format!("`{source}` needs a service"), hint));
        };
        let name = service.get_ref();
        if !self.services.contains(&name.as_str()) {
            return Err(Wrong::new(service.span(), format!("unknown service `{name}`"), suggest(name, self.services)));
        }
        Ok(Target::Service { service: name.clone(), path: template })
    }

    fn headers(&self, given: BTreeMap<Spanned<String>, Spanned<String>>) -> Result<Vec<(String, Template)>, Wrong> {
        let mut given: Vec<_> = given.into_iter().collect();
        given.sort_by_key(|(name, _)| name.span().start);
        let mut headers: Vec<(String, Template)> = Vec::new();
        for (written, value) in given {
            let name = written.get_ref().to_ascii_lowercase();
            if name.is_empty() || name.len() > 100 || !name.bytes().all(is_token) {
                let what = format!("`{}` is no name of a header", written.get_ref());
                return Err(Wrong::new(written.span(), what, "write letters, digits and dashes, as in content-type"));
            }
            if let Some((_, why)) = TAKEN.iter().find(|(taken, _)| *taken == name) {
                return Err(Wrong::new(written.span(), format!("the header `{name}` cannot be set: {why}"), "leave it out"));
            }
            if headers.iter().any(|(other, _)| *other == name) {
                let what = format!("the header `{name}` is given twice");
                return Err(Wrong::new(written.span(), what, "capitals do not matter; keep one of them"));
            }
            let template = self.template(&value)?;
            if !may_stand_in_a_header(&template.render_plain(|_| "")) {
                return Err(Wrong::new(value.span(), format!("the header `{name}` has a control character"), "leave line breaks out"));
            }
            let unfit = template.variables().find(|name| self.vars.get(*name).is_some_and(|values| !values.all(may_stand_in_a_header)));
            if let Some(variable) = unfit {
                let what = format!("a value of `{variable}` has a control character, which no header may have");
                return Err(Wrong::new(value.span(), what, "leave line breaks out of the values"));
            }
            headers.push((name, template));
        }
        Ok(headers)
    }
}

/// What RFC 9110 calls a token.
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

fn may_stand_in_a_header(value: &str) -> bool {
    value.chars().all(|character| character == '\t' || !character.is_ascii_control())
}
