//! What the process itself takes of the machine, read whenever somebody scrapes.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use metrics::Gauge;
use sysinfo::{Pid, ProcessRefreshKind, ProcessesToUpdate, System, get_current_pid};

/// The metrics that every Prometheus client library has of its process.
#[derive(Clone)]
pub(crate) struct ProcessMetrics {
    cpu_seconds: Gauge,
    resident_bytes: Gauge,
    virtual_bytes: Gauge,
    open_fds: Gauge,
    max_fds: Gauge,
    /// `None` on a system that tells nobody about processes.
    system: Option<(Pid, Arc<Mutex<System>>)>,
}

impl ProcessMetrics {
    /// `gauge` registers one, by its name and what is said about it.
    pub(crate) fn new(gauge: impl Fn(&'static str, &'static str) -> Gauge) -> Self {
        // Not as the system counts it, in whole seconds: two that follow each other quickly would look like one.
        let started = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        gauge("process_start_time_seconds", "Start of the process, in seconds since 1970.").set(started.as_secs_f64());
        Self {
            // A counter of this library's is whole.
            cpu_seconds: gauge("process_cpu_seconds_total", "Processor time that the process has taken, in seconds."),
            resident_bytes: gauge("process_resident_memory_bytes", "Memory of the process that is in RAM."),
            virtual_bytes: gauge("process_virtual_memory_bytes", "Address space of the process."),
            open_fds: gauge("process_open_fds", "Open file descriptors."),
            max_fds: gauge("process_max_fds", "The most file descriptors that may be open."),
            system: get_current_pid().ok().zip(System::new().ok().map(|system| Arc::new(Mutex::new(system)))),
        }
    }

    pub(crate) fn read(&self) {
        let Some((pid, system)) = &self.system else { return };
        let mut system = system.lock().unwrap_or_else(PoisonError::into_inner);
        let wanted = ProcessRefreshKind::nothing().with_cpu().with_memory().without_tasks();
        system.refresh_processes_specifics(ProcessesToUpdate::Some(&[*pid]), true, wanted);
        let Some(process) = system.process(*pid) else { return };
        #[expect(clippy::cast_precision_loss, reason = "a gauge is a float, and these are far from its limits")]
        let float = |number: u64| number as f64;
        self.cpu_seconds.set(float(process.accumulated_cpu_time()) / 1000.0);
        self.resident_bytes.set(float(process.memory()));
        self.virtual_bytes.set(float(process.virtual_memory()));
        for (gauge, files) in [(&self.open_fds, process.open_files()), (&self.max_fds, process.open_files_limit())] {
            files.into_iter().for_each(|files| gauge.set(float(files as u64)));
        }
    }
}
