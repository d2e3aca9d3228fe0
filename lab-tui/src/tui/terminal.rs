//! The terminal, taken over and given back, however the lab ends.

use std::io::{self, Stdout, Write as _, stdin, stdout};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, Once, PoisonError};
use std::time::{Duration, Instant};

use crossterm::event::{DisableBracketedPaste, DisableMouseCapture, EnableBracketedPaste, EnableMouseCapture};
use crossterm::terminal::{EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode};
use crossterm::{cursor, execute};
use ratatui::Frame;
use ratatui::backend::CrosstermBackend;
use rustix::termios::{OptionalActions, Termios, tcgetattr, tcsetattr};

/// Whether the terminal is ours at the moment.
static TAKEN: AtomicBool = AtomicBool::new(false);
/// Whether it is another program's, which the viewer asked for.
static LENT: Mutex<Lent> = Mutex::new(Lent::Never);
/// How long after its end a program's Ctrl-C may still be on its way to the lab: it reaches both at once, and the program's end can be
/// seen first. On the lab's own screen Ctrl-C is a key, so nothing is missed meanwhile.
const ECHO: Duration = Duration::from_secs(5);

#[derive(Debug, Clone, Copy)]
enum Lent {
    Never,
    Now,
    Until(Instant),
}

/// Raw mode and the alternate screen, for as long as this lives.
#[derive(Debug)]
pub(super) struct Terminal {
    inner: ratatui::Terminal<CrosstermBackend<Stdout>>,
    /// Its settings before, for the case that a program leaves it in others.
    settings: Option<Termios>,
}

impl Terminal {
    pub(super) fn enter() -> io::Result<Self> {
        restore_on_panic();
        let settings = tcgetattr(stdin()).ok();
        Ok(Self { inner: take()?, settings })
    }

    /// Gives it to another program, which may do with it what it likes.
    pub(super) fn lend(&mut self) {
        *LENT.lock().unwrap_or_else(PoisonError::into_inner) = Lent::Now;
        restore();
    }

    /// Takes it over again, whatever the program has left it like.
    pub(super) fn take_back(&mut self) -> io::Result<()> {
        *LENT.lock().unwrap_or_else(PoisonError::into_inner) = Lent::Until(Instant::now());
        if let Some(settings) = &self.settings {
            tcsetattr(stdin(), OptionalActions::Flush, settings)?;
        }
        // A new one knows of nothing that was drawn, and draws everything. It is not cleared: that asks the terminal for its cursor, and
        // whoever reads the answer would read keys.
        self.inner = take()?;
        Ok(())
    }

    pub(super) fn draw(&mut self, draw: impl FnOnce(&mut Frame<'_>)) -> io::Result<()> {
        self.inner.draw(draw).map(drop)
    }
}

/// Raw mode and the alternate screen.
fn take() -> io::Result<ratatui::Terminal<CrosstermBackend<Stdout>>> {
    enable_raw_mode()?;
    TAKEN.store(true, Ordering::Relaxed);
    let entered = execute!(stdout(), EnterAlternateScreen, EnableBracketedPaste, EnableMouseCapture, cursor::Hide);
    let terminal = entered.and_then(|()| ratatui::Terminal::new(CrosstermBackend::new(stdout())));
    if terminal.is_err() {
        restore();
    }
    terminal
}

/// Whether an interruption that is heard now was another program's: it had the terminal when Ctrl-C was pressed, though the lab hears of it too.
pub fn is_lent() -> bool {
    match *LENT.lock().unwrap_or_else(PoisonError::into_inner) {
        Lent::Never => false,
        Lent::Now => true,
        Lent::Until(end) => end.elapsed() < ECHO,
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        restore();
    }
}

/// Gives the terminal back; once, because a second time would move the cursor into what has been said since.
fn restore() {
    if !TAKEN.swap(false, Ordering::Relaxed) {
        return;
    }
    // A terminal that is gone needs nothing.
    let _ = execute!(stdout(), DisableMouseCapture, DisableBracketedPaste, LeaveAlternateScreen, cursor::Show);
    let _ = disable_raw_mode();
    let _ = stdout().flush();
}

/// What a panic says must be readable: the screen is given back before it is said.
fn restore_on_panic() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            restore();
            before(panic);
        }));
    });
}
