//! Disturbances that a lab asks for: requests answered with an error, or later. They stand in front of a handler, inside of the
//! observation, so that every signal shows them as it shows the real thing; the span names the fault.
//!
//! They are held for a lease only. A lab that is gone renews nothing, and the service is itself again without anybody's help.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

/// The token of the one lab that may ask for faults. Without it nobody may: the service then has no such thing.
const TOKEN: &str = "LAB_FAULT_TOKEN";

/// The longest lease.
const LONGEST_LEASE: u64 = 3000;

/// What a service is asked to do to requests, shared by all who answer them.
#[derive(Clone, Default)]
pub(crate) struct Faults {
    inner: Arc<Inner>,
}

#[derive(Default)]
struct Inner {
    token: Option<String>,
    /// Spares requests the lock for as long as nothing is asked for, which is nearly always.
    any: AtomicBool,
    leased: RwLock<Leased>,
}

#[derive(Default)]
struct Leased {
    faults: Vec<Fault>,
    /// How far each has come, by name.
    courses: BTreeMap<String, Course>,
    until: Option<Instant>,
}

/// What lasts from one renewal of a fault to the next.
struct Course {
    /// How many requests met it.
    struck: AtomicU64,
    draws: Mutex<ChaCha8Rng>,
}

/// What the lab is told when it asks.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Told {
    /// How many requests met each fault that was asked for until now, since it was first asked for.
    struck: BTreeMap<String, u64>,
}

/// All that is asked for at once, in place of what was asked for before.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    /// Milliseconds, 1 to 3000, after which all of it lapses.
    lease_ms: u64,
    faults: Vec<Fault>,
}

/// One disturbance.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Fault {
    /// As the lab calls it; spans say so.
    name: String,
    /// Only this route.
    route: Option<String>,
    /// The share of requests, above 0 and up to 1.
    probability: f64,
    /// Which of them: the same seed strikes the same ones again, as they arrive.
    seed: u64,
    effect: Effect,
}

/// What becomes of a request.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Effect {
    /// It is answered with this status, 400 to 599, without having been looked at.
    Error { status: u16 },
    /// It waits so long before it is looked at.
    Latency { ms: u64 },
}

/// What one request meets.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Strike {
    /// The names of the faults.
    pub(crate) names: Vec<String>,
    /// To be waited first.
    pub(crate) latency: Duration,
    /// The answer in place of the handler's.
    pub(crate) status: Option<u16>,
}

impl Faults {
    pub(crate) fn from_env() -> Self {
        Self::for_token(std::env::var(TOKEN).ok())
    }

    pub(crate) fn for_token(token: Option<String>) -> Self {
        let token = token.filter(|token| !token.is_empty());
        Self { inner: Arc::new(Inner { token, ..Inner::default() }) }
    }

    /// Whether there is a lab that may ask.
    pub(crate) fn can_be_wanted(&self) -> bool {
        self.inner.token.is_some()
    }

    /// Whether this is the lab's token. Takes as long for every wrong one of the right length.
    pub(crate) fn is_token(&self, given: &[u8]) -> bool {
        let Some(token) = self.inner.token.as_ref().map(String::as_bytes) else { return false };
        let differs = token.iter().zip(given).fold(0, |differs, (a, b)| std::hint::black_box(differs | (a ^ b)));
        token.len() == given.len() && differs == 0
    }

    /// Replaces all that was asked for. `routes` are the service's own.
    ///
    /// # Errors
    /// One sentence; nothing has changed then.
    pub(crate) fn set(&self, wanted: Wanted, routes: &[&str]) -> Result<Told, String> {
        if !(1..=LONGEST_LEASE).contains(&wanted.lease_ms) {
            return Err(format!("a lease lasts 1 to {LONGEST_LEASE} ms, not {}", wanted.lease_ms));
        }
        wanted.faults.iter().try_for_each(|fault| fault.check(routes))?;
        let mut leased = self.inner.leased.write().unwrap_or_else(PoisonError::into_inner);
        self.inner.any.store(!wanted.faults.is_empty(), Ordering::Relaxed);
        let mut known = std::mem::take(&mut leased.courses);
        let struck = known.iter().map(|(name, course)| (name.clone(), course.struck.load(Ordering::Relaxed))).collect();
        // What goes on being asked for goes on where it was.
        let course = |fault: &Fault| (fault.name.clone(), known.remove(&fault.name).unwrap_or_else(|| Course::new(fault.seed)));
        *leased = Leased {
            courses: wanted.faults.iter().map(course).collect(),
            faults: wanted.faults,
            until: Some(Instant::now() + Duration::from_millis(wanted.lease_ms)),
        };
        Ok(Told { struck })
    }

    /// What a request on this route meets, by chance; nothing nearly always.
    pub(crate) fn strike(&self, route: &str) -> Option<Strike> {
        if !self.inner.any.load(Ordering::Relaxed) {
            return None;
        }
        let leased = self.inner.leased.read().unwrap_or_else(PoisonError::into_inner);
        if leased.until.is_none_or(|until| until <= Instant::now()) {
            drop(leased);
            self.lapse();
            return None;
        }
        let mut strike = Strike::default();
        for fault in &leased.faults {
            let meant = fault.route.as_ref().is_none_or(|only| only == route);
            if !meant || !leased.courses.get(&fault.name).is_some_and(|course| course.strikes(fault.probability)) {
                continue;
            }
            strike.names.push(fault.name.clone());
            match fault.effect {
                Effect::Error { status } => strike.status = strike.status.or(Some(status)),
                Effect::Latency { ms } => strike.latency += Duration::from_millis(ms),
            }
        }
        (!strike.names.is_empty()).then_some(strike)
    }

    fn lapse(&self) {
        let mut leased = self.inner.leased.write().unwrap_or_else(PoisonError::into_inner);
        // Somebody may have renewed it a moment ago.
        if leased.until.is_none_or(|until| until <= Instant::now()) {
            self.inner.any.store(false, Ordering::Relaxed);
            *leased = Leased::default();
        }
    }
}

impl Course {
    fn new(seed: u64) -> Self {
        Self { struck: AtomicU64::default(), draws: Mutex::new(ChaCha8Rng::seed_from_u64(seed)) }
    }

    /// Whether it strikes the next request.
    fn strikes(&self, probability: f64) -> bool {
        let strikes = self.draws.lock().unwrap_or_else(PoisonError::into_inner).random::<f64>() < probability;
        self.struck.fetch_add(strikes.into(), Ordering::Relaxed);
        strikes
    }
}

impl Fault {
    fn check(&self, routes: &[&str]) -> Result<(), String> {
        if let Some(route) = &self.route
            && !routes.contains(&route.as_str())
        {
            return Err(format!("there is no route {route} that could be disturbed; there are {}", routes.join(", ")));
        }
        if !(self.probability > 0.0 && self.probability <= 1.0) {
            return Err(format!("a probability is above 0 and up to 1, not {}", self.probability));
        }
        match self.effect {
            Effect::Error { status } if !(400..=599).contains(&status) => Err(format!("an error status is 400 to 599, not {status}")),
            Effect::Error { .. } | Effect::Latency { .. } => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(lease_ms: u64, faults: &str) -> Wanted {
        serde_json::from_str(&format!(r#"{{"lease_ms":{lease_ms},"faults":{faults}}}"#)).unwrap()
    }

    #[test]
    fn chances_are_kept_and_effects_add_up() {
        let faults = Faults::for_token(Some("t".to_owned()));
        assert_eq!(faults.strike("/dice"), None);
        let slow = |name: &str| format!(r#"{{"name":"{name}","probability":1.0,"seed":1,"effect":{{"latency":{{"ms":200}}}}}}"#);
        let broken = r#"{"name":"broken","route":"/dice","probability":0.25,"seed":2,"effect":{"error":{"status":503}}}"#;
        faults.set(wanted(3000, &format!("[{},{broken},{}]", slow("a"), slow("b"))), &["/", "/dice"]).unwrap();
        let struck: Vec<Strike> = (0..4000).map(|_| faults.strike("/dice").unwrap()).collect();
        assert!(struck.iter().all(|strike| strike.latency == Duration::from_millis(400)));
        let failed = struck.iter().filter(|strike| strike.status == Some(503)).count();
        // Five standard deviations.
        assert!((863..1137).contains(&failed), "{failed}");
        assert!(struck.iter().all(|strike| strike.names.contains(&"broken".to_owned()) == strike.status.is_some()));
        assert_eq!(faults.strike("/").unwrap().names, ["a", "b"]);
        let only_a = faults.set(wanted(3000, &format!("[{}]", slow("a"))), &["/"]).unwrap().struck;
        let failed = u64::try_from(failed).unwrap();
        assert_eq!(only_a, [("a", 4001), ("b", 4001), ("broken", failed)].map(|(name, count)| (name.to_owned(), count)).into());
        assert!(faults.strike("/").is_some());
        let last = faults.set(wanted(3000, "[]"), &[]).unwrap().struck;
        assert_eq!(last, [("a".to_owned(), 4002)].into(), "what goes on is counted on, what is over is told once");
        assert_eq!(faults.strike("/dice"), None);
    }

    #[test]
    fn the_same_seed_strikes_the_same_requests_whenever_the_lease_is_renewed() {
        let struck = |seed: u64, renewed_at: usize| -> Vec<bool> {
            let faults = Faults::for_token(Some("t".to_owned()));
            let ask = || {
                let half = format!(r#"[{{"name":"half","probability":0.5,"seed":{seed},"effect":{{"error":{{"status":503}}}}}}]"#);
                faults.set(wanted(3000, &half), &["/dice"]).unwrap();
            };
            ask();
            (0..64)
                .map(|request| {
                    if request == renewed_at {
                        ask();
                    }
                    faults.strike("/dice").is_some()
                })
                .collect()
        };
        assert_eq!(struck(u64::MAX, 10), struck(u64::MAX, 40));
        assert_ne!(struck(7, 10), struck(7 << 32, 10));
    }

    #[test]
    fn a_token_is_compared_whole_and_an_empty_one_is_none() {
        let faults = Faults::for_token(Some("secret".to_owned()));
        assert!(faults.is_token(b"secret"));
        for wrong in [&b""[..], b"secre", b"secrets", b"Secret"] {
            assert!(!faults.is_token(wrong));
        }
        let none = Faults::for_token(Some(String::new()));
        assert!(!none.can_be_wanted() && !none.is_token(b""));
    }
}
