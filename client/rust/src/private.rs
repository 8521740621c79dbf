// SPDX-License-Identifier: Apache-2.0
//! A lethed for this process alone: for tests and first steps.

use std::env;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::os::unix::net::UnixDatagram;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use crate::error::{Error, Result};
use crate::fork::NotForChildren;
use crate::options::locked;

/// The very first start builds the startup snapshot.
const START_LIMIT: Duration = Duration::from_secs(60);
const STOP_LIMIT: Duration = Duration::from_secs(5);
const STEP: Duration = Duration::from_millis(10);
/// lethed, whose parent ends it when the other end of the pipe on standard input is closed, be it that this process was killed.
/// lethed has no child that it doesn't know, for which it would wait at its end; the parent ends nobody but its own children.
const LAUNCH: &str = r#"
exec 3<&0 </dev/null
"$@" 3<&- &
daemon=$!
trap 'kill $daemon' TERM
(trap - TERM; read -r _ <&3; read -r _ _ _ parent _ </proc/self/stat; [ "$parent" != $$ ] || kill $$) >/dev/null 2>&1 &
watcher=$!
exec 3<&-
wait $daemon  # or until the trap
wait $daemon 2>/dev/null
kill $watcher
rm -rf -- "$0"
"#;

/// A lethed with a folder of its own, which ends with this process, however that ends.
pub(crate) struct PrivateDaemon {
    folder: PathBuf,
    socket: PathBuf,
    owner: u32,
    running: Mutex<Option<Running>>,
}

struct Running {
    launcher: Child,
    _not_for_children: NotForChildren,
    /// Its end is the daemon's.
    lifeline: ChildStdin,
}

impl PrivateDaemon {
    /// Returns when it is ready.
    pub(crate) fn start() -> Result<PrivateDaemon> {
        let failed = |error: io::Error| Error::lost(format!("the private daemon could not be started: {error}"), false);
        let lethed = find_lethed()?;
        let folder = new_folder().map_err(failed)?;
        let daemon =
            PrivateDaemon { socket: folder.join("lethe.sock"), owner: std::process::id(), running: Mutex::new(None), folder };
        daemon.launch(lethed).map_err(failed)?;
        daemon.await_readiness()?;
        Ok(daemon)
    }

    pub(crate) fn socket(&self) -> &Path {
        &self.socket
    }

    fn launch(&self, lethed: PathBuf) -> io::Result<()> {
        let at = |name: &str| self.folder.join(name);
        File::create(at("lethe.toml"))?; // the system's configuration is not ours
        let log = File::create(at("log"))?;
        let mut command = Command::new("/bin/sh");
        command.arg("-c").arg(LAUNCH).arg(&self.folder).arg(lethed);
        command.arg("--config").arg(at("lethe.toml")).arg("--socket").arg(&self.socket);
        command.arg("--state-dir").arg(at("state")).arg("--cache-dir").arg(cache_folder(at("cache")));
        command.args(["--set", "pool.default.max_deadline_ms=0"]); // nobody else waits for its workers
        command.env("NOTIFY_SOCKET", at("notify"));
        command.stdin(Stdio::piped()).stdout(log.try_clone()?).stderr(log);
        // SAFETY: one system call. Ctrl-C is for this process, which then stops the daemon.
        unsafe {
            command.pre_exec(|| match libc::setsid() {
                -1 => Err(io::Error::last_os_error()),
                _ => Ok(()),
            });
        }
        let notifications = UnixDatagram::bind(at("notify"))?;
        let mut launcher = command.spawn()?;
        let lifeline = launcher.stdin.take().ok_or(io::ErrorKind::BrokenPipe)?;
        let running = Running { launcher, _not_for_children: NotForChildren::new(&lifeline), lifeline };
        *locked(&self.running) = Some(running);
        notifications.set_read_timeout(Some(STEP))?;
        let until = Instant::now() + START_LIMIT;
        let mut message = [0; 4096];
        while Instant::now() < until && self.is_running()? {
            match notifications.recv(&mut message) {
                Ok(length) if message[..length].windows(7).any(|part| part == b"READY=1") => return Ok(()),
                _ => {}
            }
        }
        Ok(())
    }

    /// Whether what launch() has waited for has come.
    fn await_readiness(&self) -> Result<()> {
        if std::os::unix::net::UnixStream::connect(&self.socket).is_ok() {
            return Ok(());
        }
        let log = fs::read(self.folder.join("log")).unwrap_or_default();
        let said = String::from_utf8_lossy(&log);
        let said = if said.trim().is_empty() { "its log is empty" } else { said.trim() };
        Err(Error::lost(format!("the private daemon did not start: {said}"), false))
    }

    fn is_running(&self) -> io::Result<bool> {
        match &mut *locked(&self.running) {
            Some(running) => Ok(running.launcher.try_wait()?.is_none()),
            None => Ok(false),
        }
    }

    /// Ends it and removes its folder. In a child of this process it does nothing.
    pub(crate) fn stop(&self) {
        if std::process::id() != self.owner {
            return;
        }
        let running = locked(&self.running).take();
        if let Some(Running { mut launcher, _not_for_children, lifeline }) = running {
            drop(_not_for_children);
            drop(lifeline);
            let until = Instant::now() + STOP_LIMIT;
            while matches!(launcher.try_wait(), Ok(None)) {
                if Instant::now() > until {
                    // SAFETY: the session that launch() has made; its leader has not been waited for.
                    unsafe { libc::kill(-(launcher.id() as libc::pid_t), libc::SIGKILL) };
                    drop(launcher.wait());
                    break;
                }
                std::thread::sleep(STEP);
            }
        }
        drop(fs::remove_dir_all(&self.folder));
    }
}

impl Drop for PrivateDaemon {
    fn drop(&mut self) {
        self.stop();
    }
}

fn new_folder() -> io::Result<PathBuf> {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let base = env::temp_dir();
    loop {
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let folder = base.join(format!("lethe-run-{}-{number}", std::process::id()));
        match fs::DirBuilder::new().mode(0o700).create(&folder) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            result => return result.map(|()| folder),
        }
    }
}

/// $LETHED; what PATH has, or as packages install it.
fn find_lethed() -> Result<PathBuf> {
    if let Some(named) = env::var_os("LETHED").filter(|named| !named.is_empty()) {
        return Ok(named.into());
    }
    let path = env::var_os("PATH").unwrap_or_default();
    let folders = env::split_paths(&path).chain(["/usr/local/sbin", "/usr/sbin"].map(PathBuf::from));
    let mut programs = folders.map(|folder| folder.join("lethed"));
    let runs =
        |program: &PathBuf| fs::metadata(program).map_or(false, |file| file.is_file() && file.permissions().mode() & 0o111 != 0);
    programs.find(runs).ok_or_else(|| {
        let message = "there is no lethed for a private daemon: install the package lethe, or name it in $LETHED";
        Error::lost(message.to_owned(), false)
    })
}

/// The user's own, so that only the very first start builds the startup snapshot.
fn cache_folder(otherwise: PathBuf) -> PathBuf {
    let home = |name: OsString| PathBuf::from(name).join(".cache");
    let set = |name| env::var_os(name).filter(|value: &OsString| !value.is_empty());
    let base = set("XDG_CACHE_HOME").map(PathBuf::from).or_else(|| set("HOME").map(home));
    let folder = base.map(|base| base.join("lethe")).filter(|folder| fs::create_dir_all(folder).is_ok());
    let writable = |folder: &PathBuf| {
        let probe = folder.join(format!(".lethe-rust-{}", std::process::id()));
        let made = File::create(&probe).is_ok();
        drop(fs::remove_file(&probe));
        made
    };
    folder.filter(writable).unwrap_or(otherwise)
}
