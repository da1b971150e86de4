//! Node's names of what the system refuses.

use std::borrow::Cow;
use std::io;

/// The code of a system error, such as `EMFILE`. `None` for what no system said.
#[must_use]
pub fn code(error: &io::Error) -> Option<Cow<'static, str>> {
    match error.raw_os_error() {
        Some(number) => Some(name(number)),
        None => of_kind(error.kind()).map(Cow::Borrowed),
    }
}

fn name(number: i32) -> Cow<'static, str> {
    match NAMES.iter().find(|(known, _)| *known == number) {
        Some((_, name)) => Cow::Borrowed(name.strip_prefix("WSA").unwrap_or(name)),
        // As libuv calls what it does not know.
        None => Cow::Owned(format!("Unknown system error {}", -number)),
    }
}

/// What libraries report in the system's name.
const fn of_kind(kind: io::ErrorKind) -> Option<&'static str> {
    use io::ErrorKind as Kind;
    Some(match kind {
        Kind::ConnectionRefused => "ECONNREFUSED",
        Kind::ConnectionReset => "ECONNRESET",
        Kind::ConnectionAborted => "ECONNABORTED",
        Kind::BrokenPipe => "EPIPE",
        Kind::OutOfMemory => "ENOMEM",
        Kind::TimedOut => "ETIMEDOUT",
        _ => return None,
    })
}

macro_rules! names {
    ($($name:ident)*) => { &[$(($name, stringify!($name))),*] };
}

#[cfg(unix)]
use libc::*;

/// What can become of opening, binding, connecting, reading and writing a socket, of waiting for it, of looking a name
/// up, and of starting a thread.
#[cfg(unix)]
const NAMES: &[(i32, &str)] = names! {
    E2BIG EACCES EADDRINUSE EADDRNOTAVAIL EAFNOSUPPORT EAGAIN EALREADY EBADF EBUSY ECANCELED ECONNABORTED ECONNREFUSED
    ECONNRESET EDESTADDRREQ EDOM EEXIST EFAULT EHOSTDOWN EHOSTUNREACH EINPROGRESS EINTR EINVAL EIO EISCONN ELOOP EMFILE
    EMSGSIZE ENAMETOOLONG ENETDOWN ENETRESET ENETUNREACH ENFILE ENOBUFS ENODEV ENOENT ENOEXEC ENOMEM ENOPROTOOPT ENOSPC
    ENOSYS ENOTCONN ENOTSOCK ENXIO EOPNOTSUPP EPERM EPFNOSUPPORT EPIPE EPROTO EPROTONOSUPPORT EPROTOTYPE ERANGE EROFS
    ESHUTDOWN ESOCKTNOSUPPORT ESTALE ETIMEDOUT ETOOMANYREFS
};

#[cfg(windows)]
use windows_sys::Win32::Networking::WinSock::*;

#[cfg(windows)]
const NAMES: &[(i32, &str)] = names! {
    WSAEACCES WSAEADDRINUSE WSAEADDRNOTAVAIL WSAEAFNOSUPPORT WSAEALREADY WSAECONNABORTED WSAECONNREFUSED
    WSAECONNRESET WSAEDESTADDRREQ WSAEFAULT WSAEHOSTDOWN WSAEHOSTUNREACH WSAEINPROGRESS WSAEINTR WSAEINVAL WSAEISCONN
    WSAEMFILE WSAEMSGSIZE WSAENETDOWN WSAENETRESET WSAENETUNREACH WSAENOBUFS WSAENOPROTOOPT WSAENOTCONN WSAENOTSOCK
    WSAEOPNOTSUPP WSAEPFNOSUPPORT WSAEPROTONOSUPPORT WSAEPROTOTYPE WSAESHUTDOWN WSAESOCKTNOSUPPORT WSAETIMEDOUT
};

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn what_the_system_says_has_its_name() {
        for (number, name) in [(EMFILE, "EMFILE"), (EPERM, "EPERM"), (EHOSTUNREACH, "EHOSTUNREACH")] {
            assert_eq!(code(&io::Error::from_raw_os_error(number)).as_deref(), Some(name));
        }
        assert_eq!(code(&io::Error::from_raw_os_error(4000)).unwrap(), "Unknown system error -4000");
    }

    #[test]
    fn what_no_system_said_has_a_code_only_if_its_kind_is_one() {
        assert_eq!(code(&io::ErrorKind::BrokenPipe.into()).as_deref(), Some("EPIPE"));
        assert_eq!(code(&io::Error::other("no")), None);
        assert_eq!(code(&io::ErrorKind::InvalidInput.into()), None);
    }
}
