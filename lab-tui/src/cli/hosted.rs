//! The programs that a scenario brings along, around one run of it.

use lab_facts::exit::Exit;
use lab_facts::scenario::Planned;
use lab_instrument::out;
use lab_instrument::stack::hosted::{Hosted, Options};

use super::Failure;
use super::stack::Up;

/// What becomes of a run that was interrupted before it could begin.
pub(crate) const INTERRUPTED: &str = "interrupted before its services were ready";

/// Starts what the scenario brings along, beside the stack. `None` when the user interrupted it; nothing is left soon then.
pub(crate) async fn start(planned: &Planned, up: &mut Up) -> Result<Option<Hosted>, Failure> {
    let options = Options { services: &planned.plan.services, folder: &planned.folder, endpoints: &up.stack.endpoints, env: &up.env };
    let hosted = tokio::select! {
        hosted = Hosted::start(options, &up.store, &up.told) => hosted.map_err(|error| Failure::new(Exit::NotReady, error))?,
        () = up.interrupts.next() => return Ok(None),
    };
    up.control.tell(&hosted.endpoints);
    Ok(Some(hosted))
}

/// Ends them.
pub(crate) async fn stop(hosted: Hosted, up: &Up) {
    hosted.stop().await;
    up.control.tell(&up.stack.endpoints);
}

/// Where they are, for whoever watches the lab's progress.
pub(crate) fn announce(planned: &Planned, hosted: &Hosted) {
    for service in &planned.plan.services {
        let url = hosted.endpoints.services.get(&service.name);
        out::note(&format!(
            "{} is ready{}",
            service.name,
            url.map_or(String::new(), |url| format!(" at {}", url.as_str().trim_end_matches('/')))
        ));
    }
}
