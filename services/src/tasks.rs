//! Tasks of the runtime.

use futures_util::FutureExt as _;
use tokio::task::JoinHandle;

/// Like [`tokio::spawn`], whose machinery would be compiled four times over for each kind of future that it is given.
pub(crate) fn spawn<T: Send + 'static>(task: impl Future<Output = T> + Send + 'static) -> JoinHandle<T> {
    tokio::spawn(task.boxed())
}
