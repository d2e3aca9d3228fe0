//! Which requests a fault of a service affects.

use std::fmt;

use toml::{Spanned, Value};

use super::check;
use crate::scenario::refusal::{Wrong, suggest};

/// Requests that a fault of a service affects. Displays as in `half of what dice-roller answers at /roll`.
#[derive(Debug, Clone, PartialEq)]
pub struct Affected {
    /// The service, known to the stack.
    pub service: String,
    /// Only this route, such as `/dice`. Whether the service has it, only the service knows.
    pub route: Option<String>,
    /// The share of them, above 0 and up to 1.
    pub probability: f64,
}

impl Affected {
    pub(super) fn untouched(&self) -> String {
        let route = self.route.as_ref().map_or(String::new(), |route| format!(" at {route}"));
        format!("{} disturbed no request{route}", self.service)
    }

    pub(super) fn keys(&self) -> Vec<(&'static str, Value)> {
        let mut keys = vec![("service", Value::from(self.service.clone()))];
        keys.extend(self.route.clone().map(|route| ("route", route.into())));
        keys.extend(Some(self.probability).filter(|share| *share < 1.0).map(|share| ("probability", share.into())));
        keys
    }

    pub(super) fn check(
        service: Spanned<String>,
        route: Option<Spanned<String>>,
        probability: Option<&Spanned<f64>>,
        services: &[&str],
    ) -> Result<Self, Wrong> {
        if !services.contains(&service.get_ref().as_str()) {
            let (span, unknown) = (service.span(), service.get_ref());
            return Err(Wrong::new(span, format!("unknown service `{unknown}`"), suggest(unknown, services)));
        }
        if let Some(route) = &route
            && !route.get_ref().starts_with('/')
        {
            return Err(Wrong::new(route.span(), format!("`{}` is no route", route.get_ref()), "begin it with a slash, as in \"/dice\""));
        }
        let probability = match probability {
            None => 1.0,
            Some(number) => match check::share("probability", number)? {
                0.0 => return Err(Wrong::new(number.span(), "probability = 0 disturbs nothing", "write a number above 0 and up to 1")),
                share => share,
            },
        };
        Ok(Self { service: service.into_inner(), route: route.map(Spanned::into_inner), probability })
    }
}

impl fmt::Display for Affected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.probability < 1.0 {
            let percent = format!("{:.2}", self.probability * 100.0);
            write!(f, "{} % of ", percent.trim_end_matches('0').trim_end_matches('.'))?;
        }
        write!(f, "{}", self.service)?;
        self.route.as_ref().map_or(Ok(()), |route| write!(f, " {route}"))
    }
}
