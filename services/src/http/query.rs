//! Query parameters, and the 422 that says exactly what is wrong with them.

use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde::Serialize;

use super::json;

/// The parameters of one request. Where a name comes twice, the last one counts.
#[derive(Debug)]
pub(crate) struct Query<'a> {
    raw: &'a str,
    problems: Vec<Problem>,
}

/// What is wrong with a request, ready to be answered.
#[derive(Debug)]
pub(crate) struct Invalid(Vec<Problem>);

/// One thing wrong with one parameter.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = ValidationProblem)]
pub(crate) struct Problem {
    #[serde(rename = "type")]
    #[schema(example = "missing")]
    kind: &'static str,
    #[schema(value_type = Vec<String>)]
    loc: [&'static str; 2],
    #[schema(example = "Field required")]
    msg: String,
    input: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    ctx: Option<Bound>,
}

/// The bound that a number broke.
#[derive(Debug, Serialize)]
#[serde(rename_all = "lowercase")]
enum Bound {
    Ge(i64),
    Le(i64),
}

/// The body of a 422, for the OpenAPI document.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct ValidationProblems {
    detail: Vec<Problem>,
}

impl<'a> Query<'a> {
    pub(crate) fn of(uri: &'a http::Uri) -> Self {
        Self {
            raw: uri.query().unwrap_or_default(),
            problems: Vec::new(),
        }
    }

    /// The text of a parameter, which may be empty.
    pub(crate) fn text(&self, name: &str) -> Option<String> {
        url::form_urlencoded::parse(self.raw.as_bytes())
            .filter(|(key, _)| key == name)
            .last()
            .map(|(_, value)| value.into_owned())
    }

    /// A parameter that must be there. Check [`Query::finish`] before using it.
    pub(crate) fn required(&mut self, name: &'static str) -> String {
        self.text(name).unwrap_or_else(|| {
            self.missing(name);
            String::new()
        })
    }

    /// A whole number that must be there and within its bounds. Check [`Query::finish`] before using it.
    pub(crate) fn required_number(&mut self, name: &'static str, low: i64, high: i64) -> i64 {
        let Some(text) = self.text(name) else {
            self.missing(name);
            return low;
        };
        let digits = text.trim();
        let unsigned = digits.strip_prefix(['-', '+']).unwrap_or(digits);
        if unsigned.is_empty() || !unsigned.bytes().all(|byte| byte.is_ascii_digit()) {
            let msg =
                "Input should be a valid integer, unable to parse string as an integer".to_owned();
            self.problem("int_parsing", name, msg, Some(text), None);
            return low;
        }
        // What does not fit into 64 bits is out of any bounds, on the side of its sign.
        let number = digits.parse().unwrap_or(if digits.starts_with('-') {
            i64::MIN
        } else {
            i64::MAX
        });
        if number < low {
            let msg = format!("Input should be greater than or equal to {low}");
            self.problem(
                "greater_than_equal",
                name,
                msg,
                Some(text),
                Some(Bound::Ge(low)),
            );
        } else if number > high {
            let msg = format!("Input should be less than or equal to {high}");
            self.problem(
                "less_than_equal",
                name,
                msg,
                Some(text),
                Some(Bound::Le(high)),
            );
        }
        number.clamp(low, high)
    }

    /// All that is wrong, in the order of asking.
    pub(crate) fn finish(self) -> Result<(), Invalid> {
        if self.problems.is_empty() {
            Ok(())
        } else {
            Err(Invalid(self.problems))
        }
    }

    fn missing(&mut self, name: &'static str) {
        self.problem("missing", name, "Field required".to_owned(), None, None);
    }

    fn problem(
        &mut self,
        kind: &'static str,
        name: &'static str,
        msg: String,
        input: Option<String>,
        ctx: Option<Bound>,
    ) {
        self.problems.push(Problem {
            kind,
            loc: ["query", name],
            msg,
            input,
            ctx,
        });
    }
}

impl IntoResponse for Invalid {
    fn into_response(self) -> Response {
        json(
            StatusCode::UNPROCESSABLE_ENTITY,
            &ValidationProblems { detail: self.0 },
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn body(query: &str) -> String {
        let uri: http::Uri = format!("/roll-async?{query}").parse().unwrap();
        let mut query = Query::of(&uri);
        query.required("die");
        query.required_number("times", 1, 20);
        let response = query.finish().unwrap_err().into_response();
        assert_eq!(response.status(), 422);
        let body = axum::body::to_bytes(response.into_body(), usize::MAX)
            .await
            .unwrap();
        String::from_utf8(body.to_vec()).unwrap()
    }

    #[tokio::test]
    async fn each_problem_has_its_exact_words() {
        let missing =
            r#"{"type":"missing","loc":["query","die"],"msg":"Field required","input":null}"#;
        let missing_times = missing.replace("die", "times");
        assert_eq!(
            body("").await,
            format!(r#"{{"detail":[{missing},{missing_times}]}}"#)
        );
        assert_eq!(
            body("die=a&times=ten").await,
            r#"{"detail":[{"type":"int_parsing","loc":["query","times"],"msg":"Input should be a valid integer, unable to parse string as an integer","input":"ten"}]}"#
        );
        assert_eq!(
            body("die=a&times=0").await,
            r#"{"detail":[{"type":"greater_than_equal","loc":["query","times"],"msg":"Input should be greater than or equal to 1","input":"0","ctx":{"ge":1}}]}"#
        );
        assert_eq!(
            body("die=a&times=21").await,
            r#"{"detail":[{"type":"less_than_equal","loc":["query","times"],"msg":"Input should be less than or equal to 20","input":"21","ctx":{"le":20}}]}"#
        );
        assert!(
            body("die=a&times=99999999999999999999")
                .await
                .contains("less_than_equal")
        );
        assert!(
            body("die=a&times=-99999999999999999999")
                .await
                .contains("greater_than_equal")
        );
        assert!(body("die=a&times=").await.contains("int_parsing"));
        assert!(body("die=a&times=1.5").await.contains("int_parsing"));
    }

    #[test]
    fn the_last_of_two_counts_and_text_is_decoded() {
        let uri: http::Uri = "/roll?die=a&die=%C3%A9+x".parse().unwrap();
        assert_eq!(Query::of(&uri).required("die"), "é x");
    }
}
