//! What a process can take from itself before it interprets a script: memory, time, files, network.
//!
//! Limits of the system come first, then Landlock where the kernel has it, and a filter of system calls.
//! What this came to is tried out, and not only believed.

use std::fs::File;
use std::io::ErrorKind;
use std::net::{Ipv4Addr, TcpStream, UdpSocket};
use std::os::unix::net::UnixStream;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use landlock::{ABI, Access, AccessFs, AccessNet, Ruleset, RulesetAttr, RulesetStatus, Scope};
use nix::sys::prctl;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::signal::Signal;
use seccompiler::{SeccompAction, SeccompFilter, TargetArch};
use serde::{Deserialize, Serialize};

/// What the process is left with.
#[derive(Clone, Copy, Debug)]
pub struct Allowance {
    /// The bytes of its address space.
    pub memory: u64,
    /// How long its threads together may compute.
    pub processor: Duration,
}

/// What a process could take from itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Confinement {
    /// What Landlock does, in a word.
    pub landlock: String,
    /// Whether system calls are filtered.
    pub filter: bool,
    /// Whether a file can still be opened.
    pub files: bool,
    /// Whether a connection can still be made, or an address be taken.
    pub network: bool,
}

/// A process that has computed for too long is told so, which ends it; one that does not listen for so many seconds more
/// is killed.
const DEAF: u64 = 5;

impl Confinement {
    /// In words, for whoever wants to know.
    pub fn describe(&self) -> String {
        let can = |able: bool| if able { "can be reached" } else { "cannot be reached" };
        let filter = if self.filter { "filtered" } else { "not filtered on this machine" };
        format!(
            "scripts are interpreted apart: Landlock {}, system calls {filter}; files {}, the network {}",
            self.landlock,
            can(self.files),
            can(self.network)
        )
    }
}

/// Takes from this process what a script does not need; there is no way back.
///
/// # Errors
/// A limit that cannot be set. Landlock and the filter are taken as far as the machine has them.
pub fn confine(allowance: Allowance) -> Result<Confinement, String> {
    close_others().map_err(|error| format!("open files cannot be closed: {error}"))?;
    limit(allowance).map_err(|error| format!("a limit cannot be set: {error}"))?;
    let landlock = landlock().unwrap_or_else(|error| format!("unusable ({error})"));
    let filter = filter().is_ok();
    *CONFINED.lock().unwrap_or_else(PoisonError::into_inner) = true;
    Ok(Confinement { landlock, filter, files: reaches_files(), network: reaches_the_network() })
}

/// Whoever started the service may have left something open that every process inherits.
fn close_others() -> std::io::Result<()> {
    let listed = std::fs::read_dir("/proc/self/fd")?;
    let numbers: Vec<i32> = listed.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok()).collect();
    for number in numbers.into_iter().filter(|number| *number > 2) {
        // That of the listing itself is closed already.
        let _closed = nix::unistd::close(number);
    }
    Ok(())
}

fn limit(allowance: Allowance) -> nix::Result<()> {
    let seconds = allowance.processor.as_secs().max(1);
    setrlimit(Resource::RLIMIT_CORE, 0, 0)?;
    // With one number for both, the process would be killed as if somebody had, and nobody would know why.
    setrlimit(Resource::RLIMIT_CPU, seconds, seconds.saturating_add(DEAF))?;
    // Threads may have room for their stacks beside it.
    let (_, most) = getrlimit(Resource::RLIMIT_AS)?;
    setrlimit(Resource::RLIMIT_AS, allowance.memory.min(most), most)?;
    prctl::set_dumpable(false)?;
    prctl::set_no_new_privs()?;
    // Whoever started it takes it along, even if it is killed.
    prctl::set_pdeathsig(Signal::SIGKILL)
}

fn landlock() -> Result<String, landlock::RulesetError> {
    let abi = ABI::V6;
    let status = Ruleset::default()
        .handle_access(AccessFs::from_all(abi))?
        .handle_access(AccessNet::from_all(abi))?
        .scope(Scope::from_all(abi))?
        .create()?
        .restrict_self()?;
    let word = match status.ruleset {
        RulesetStatus::FullyEnforced => "in full",
        RulesetStatus::PartiallyEnforced => "in part",
        RulesetStatus::NotEnforced => "is not there",
    };
    Ok(word.to_owned())
}

/// System calls that a script's process never needs, and that reach out of it. They fail, and nothing else
/// happens.
const DENIED: &[i64] = &[
    libc::SYS_socket,
    libc::SYS_socketpair,
    libc::SYS_connect,
    libc::SYS_bind,
    libc::SYS_listen,
    libc::SYS_accept,
    libc::SYS_accept4,
    libc::SYS_openat,
    libc::SYS_openat2,
    libc::SYS_open_by_handle_at,
    libc::SYS_unlinkat,
    libc::SYS_renameat2,
    libc::SYS_mkdirat,
    libc::SYS_mknodat,
    libc::SYS_linkat,
    libc::SYS_symlinkat,
    libc::SYS_fchmodat,
    libc::SYS_fchownat,
    libc::SYS_truncate,
    libc::SYS_chdir,
    libc::SYS_chroot,
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_execve,
    libc::SYS_execveat,
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_pidfd_open,
    libc::SYS_pidfd_getfd,
    libc::SYS_io_uring_setup,
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_userfaultfd,
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_keyctl,
    libc::SYS_unshare,
    libc::SYS_setns,
    libc::SYS_memfd_create,
    libc::SYS_inotify_init1,
];

/// The same by their old names, which newer architectures do not have.
#[cfg(target_arch = "x86_64")]
const DENIED_BY_OLD_NAMES: &[i64] = &[
    libc::SYS_open,
    libc::SYS_creat,
    libc::SYS_unlink,
    libc::SYS_rename,
    libc::SYS_renameat,
    libc::SYS_mkdir,
    libc::SYS_rmdir,
    libc::SYS_mknod,
    libc::SYS_link,
    libc::SYS_symlink,
    libc::SYS_chmod,
    libc::SYS_chown,
    libc::SYS_lchown,
    libc::SYS_fork,
    libc::SYS_vfork,
    libc::SYS_inotify_init,
];

#[cfg(not(target_arch = "x86_64"))]
const DENIED_BY_OLD_NAMES: &[i64] = &[];

fn filter() -> Result<(), String> {
    let text = |error: &dyn std::fmt::Display| error.to_string();
    let machine = TargetArch::try_from(std::env::consts::ARCH).map_err(|error| text(&error))?;
    let denied = DENIED.iter().chain(DENIED_BY_OLD_NAMES).map(|call| (*call, Vec::new())).collect();
    let refusal = SeccompAction::Errno(libc::EACCES.unsigned_abs());
    let filter = SeccompFilter::new(denied, SeccompAction::Allow, refusal, machine).map_err(|error| text(&error))?;
    let program: seccompiler::BpfProgram =
        filter.try_into().map_err(|error: seccompiler::BackendError| text(&error))?;
    seccompiler::apply_filter(&program).map_err(|error| text(&error))
}

fn reaches_files() -> bool {
    File::open("/proc/self/exe").is_ok()
}

fn reaches_the_network() -> bool {
    let denied = |error: std::io::Error| error.kind() == ErrorKind::PermissionDenied;
    let nobody = (Ipv4Addr::LOCALHOST, 9);
    let patience = Duration::from_millis(50);
    let tcp = TcpStream::connect_timeout(&nobody.into(), patience).is_err_and(denied);
    let udp = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).is_err_and(denied);
    let local = UnixStream::pair().is_err_and(denied);
    !(tcp && udp && local)
}

/// Whether this process has a limit of its address space that threads have to be made room beside.
static CONFINED: Mutex<bool> = Mutex::new(false);

/// Room for the stacks of threads beside the limit of memory, until it is dropped. Stacks are reserved whole
/// and hardly used: counted as memory, they would leave nothing of it.
#[derive(Debug)]
pub struct StackRoom(u64);

impl StackRoom {
    /// Makes room for stacks of so many bytes, in a process that is confined.
    pub fn of(bytes: u64) -> Self {
        move_limit(|now| now.saturating_add(bytes));
        Self(bytes)
    }
}

impl Drop for StackRoom {
    fn drop(&mut self) {
        move_limit(|now| now.saturating_sub(self.0));
    }
}

fn move_limit(to: impl FnOnce(u64) -> u64) {
    // One at a time: the limit is read and then written.
    let confined = CONFINED.lock().unwrap_or_else(PoisonError::into_inner);
    if *confined && let Ok((now, most)) = getrlimit(Resource::RLIMIT_AS) {
        // Without the room there are no threads, which whoever begins them notices.
        let _noticed = setrlimit(Resource::RLIMIT_AS, to(now).min(most), most);
    }
}
