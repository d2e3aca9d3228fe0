//! The page for people.

use std::sync::Arc;
use std::time::Duration;

use axum::extract;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, header};
use serde::Deserialize;

use super::State;

/// The whole page: no other file, no other host.
const PAGE: &str = include_str!("page.html");

/// A page without dice is better than a page that does not come.
const DICE_PATIENCE: Duration = Duration::from_secs(2);

const COOKIE: &str = "session_id";

#[derive(Deserialize)]
struct List {
    identifiers: Vec<String>,
}

/// The page: choose a die, roll it, see the result and its trace
#[utoipa::path(get, path = "/", responses((status = 200, body = String, content_type = "text/html")))]
pub(super) async fn page(extract::State(state): extract::State<Arc<State>>, headers: HeaderMap) -> Response {
    let known = known_session(&headers).map(str::to_owned);
    let session_id = known.clone().unwrap_or_else(|| format!("{:032x}", rand::random::<u128>()));
    tracing::info!(usage = true, event_type = "page_load", session_id, "Page loaded");

    let dice = dice(&state).await;
    for die in dice.iter().flatten() {
        state.known.confirm(die);
    }
    let mut response = render(dice.as_deref(), state.config.trace_url_template.as_deref()).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if known.is_none()
        && let Ok(cookie) = HeaderValue::try_from(format!("{COOKIE}={session_id}; Path=/; HttpOnly; SameSite=Lax"))
    {
        headers.insert(header::SET_COOKIE, cookie);
    }
    response
}

/// The dice on offer, or nothing when die-service does not say.
async fn dice(state: &State) -> Option<Vec<String>> {
    let answer = state.shared.client.get(&state.config.die_service, "/dice", DICE_PATIENCE).await;
    let dice = match answer {
        Ok(answer) if answer.status == 200 => serde_json::from_slice::<List>(&answer.body).ok(),
        _ => None,
    };
    if dice.is_none() {
        tracing::warn!("Page served without dice: die-service did not list them");
    }
    dice.map(|list| list.identifiers)
}

fn render(dice: Option<&[String]>, trace_url_template: Option<&str>) -> String {
    // The list comes in alphabetical order, and its first die fails every other time: a poor welcome.
    let chosen = |die: &str| if die == "fair" { " selected" } else { "" };
    let option = |die: &String| format!("<option value=\"{0}\"{1}>{0}</option>", escape(die), chosen(die));
    let options: String = dice.unwrap_or_default().iter().map(option).collect();
    let notice = if dice.is_none() { "The list of dice is not available. Reload to try again." } else { "" };
    // One pass over the page, so that nothing that is filled in can be taken for a place to fill in.
    let mut out = String::with_capacity(PAGE.len() + options.len() + 256);
    let mut rest = PAGE;
    while let Some((before, after)) = rest.split_once("{{") {
        out.push_str(before);
        let Some((name, after)) = after.split_once("}}") else {
            break;
        };
        match name {
            "options" => out.push_str(&options),
            "notice" => out.push_str(notice),
            "trace_url_template" => out.push_str(&escape(trace_url_template.unwrap_or_default())),
            _ => {}
        }
        rest = after;
    }
    out.push_str(rest);
    out
}

fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            _ => out.push(character),
        }
    }
    out
}

/// Whose request this is, for usage events.
pub(super) fn session(headers: &HeaderMap) -> &str {
    known_session(headers).unwrap_or("anonymous")
}

/// The session that an earlier page load has set. Anything that we did not set ourselves stays out of the log.
fn known_session(headers: &HeaderMap) -> Option<&str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|cookies| cookies.split(';'))
        .filter_map(|cookie| cookie.trim().split_once('='))
        .find(|(name, value)| *name == COOKIE && value.len() == 32 && value.bytes().all(|b| b.is_ascii_hexdigit()))
        .map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_a_die_is_called_stays_text() {
        let dice = ["fair".to_owned(), "\"><script>alert('x')</script>{{notice}}".to_owned()];
        let page = render(Some(&dice), Some("http://host/\"{trace_id}"));
        assert!(page.contains("<option value=\"fair\" selected>fair</option>"));
        assert!(!page.contains("<script>alert"), "{page}");
        assert!(page.contains("http://host/&quot;{trace_id}"));
        assert!(page.contains("{{notice}}</option>"), "what is filled in is not a template itself");
        assert!(!page.contains("://cdn") && !page.contains("src=") && !page.contains("@import"));
    }

    #[test]
    fn a_session_that_is_not_ours_is_nobody() {
        let mut headers = HeaderMap::new();
        assert_eq!(session(&headers), "anonymous");
        headers.insert(header::COOKIE, HeaderValue::from_static("a=b; session_id=<script>"));
        assert_eq!(session(&headers), "anonymous");
        headers.insert(header::COOKIE, HeaderValue::from_static("a=b; session_id=0123456789abcdef0123456789abcdef"));
        assert_eq!(session(&headers), "0123456789abcdef0123456789abcdef");
    }
}
