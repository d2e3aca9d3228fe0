//! What every stack stands on: the run's folder, the lab's own OTLP receiver, and where its store is asked.

use std::net::{Ipv4Addr, SocketAddr};

use anyhow::Context as _;
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::embedded::{Options, port_of};
use super::port::{self, Port};
use super::run_folder::RunFolder;
use crate::observe::store::Store;
use crate::observe::{otlp, tempo};
use crate::tasks;

#[derive(Debug)]
pub(super) struct Ground {
    /// The run's own folder, which dies with it.
    pub(super) folder: RunFolder,
    pub(super) otlp_grpc: SocketAddr,
    pub(super) otlp_http: SocketAddr,
    pub(super) tempo: SocketAddr,
    _receiver: DropGuard,
}

impl Ground {
    /// Sweeps what dead labs left, and listens.
    pub(super) async fn start(options: &Options, store: &Store) -> anyhow::Result<Self> {
        RunFolder::sweep();
        let folder = RunFolder::create()?;
        let receiver = CancellationToken::new();
        let guard = receiver.clone().drop_guard();
        let (otlp_grpc, listener) = bind(options, "otlp-grpc").await?;
        tasks::spawn(otlp::serve_grpc(listener, store.clone(), receiver.clone()));
        let (otlp_http, listener) = bind(options, "otlp-http").await?;
        tasks::spawn(otlp::serve_http(listener, store.clone(), receiver.clone()));
        let (tempo, listener) = bind(options, "tempo").await?;
        tasks::spawn(tempo::serve(listener, store.clone(), receiver));
        Ok(Self { folder, otlp_grpc, otlp_http, tempo, _receiver: guard })
    }
}

async fn bind(options: &Options, name: &str) -> anyhow::Result<(SocketAddr, TcpListener)> {
    let wanted = port_of(options, name);
    let chosen = wanted.choose(name)?;
    let listener = match (TcpListener::bind((Ipv4Addr::LOCALHOST, chosen)).await, wanted) {
        (Ok(listener), _) => listener,
        // Somebody was quicker.
        (Err(_), Port::Preferred(_)) => TcpListener::bind((Ipv4Addr::LOCALHOST, port::another())).await?,
        (Err(error), Port::Named(_)) => return Err(error).with_context(|| format!("cannot listen on port {chosen} for {name}")),
    };
    Ok((listener.local_addr()?, listener))
}
