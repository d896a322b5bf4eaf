//! Listening sockets that go from one gateway to the next, so that a new version is started without a refused or reset connection.
//!
//! The gateway that serves holds a socket file. One that starts with the same file asks there, gets the listening sockets
//! themselves, serves, and then says so; only then the old one drains. Connections that wait in the sockets' queues belong to both,
//! so none is lost; if the new one does not come to serve, nothing has changed.
//!
//! Who may ask is who may open the file: it is for its owner alone. Absent on purpose: passing connections. Those that are open
//! stay with the old gateway until it has drained.

use std::io::{self, IoSlice, IoSliceMut, Read, Write};
use std::mem::MaybeUninit;
use std::net::TcpListener;
use std::os::fd::AsFd;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, recvmsg, sendmsg,
};

use super::Shared;
use crate::settings::StartFault;

/// Sockets in one message: the system takes 253.
const BATCH: usize = 128;
/// How long the other gateway may take to send, or to come to serve.
const PATIENCE: Duration = Duration::from_secs(60);
/// What the new gateway says when it serves.
const SERVING: u8 = 1;

/// Listening sockets of the gateway before this one.
pub(crate) struct Inherited {
    /// The sockets that nobody has claimed yet.
    pub(crate) sockets: Vec<TcpListener>,
    from: UnixStream,
}

impl Inherited {
    /// Asks the gateway that holds this file. `None`: there is none.
    ///
    /// # Errors
    /// If there is one, but its sockets cannot be had.
    pub(crate) fn ask(path: &Path) -> Result<Option<Inherited>, StartFault> {
        let fault = |fault: io::Error| {
            StartFault::new(
                format!(
                    "the listening sockets cannot be taken over through `{}`: {fault}",
                    path.display()
                ),
                "give `--hand-over` a file of this user's, in a folder that exists, or stop the gateway that holds it",
            )
        };
        let from = match UnixStream::connect(path) {
            Ok(from) => from,
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused
                ) =>
            {
                return Ok(None);
            }
            Err(error) => return Err(fault(error)),
        };
        from.set_read_timeout(Some(PATIENCE)).map_err(fault)?;
        let sockets = receive(&from).map_err(fault)?;
        Ok(Some(Inherited { sockets, from }))
    }

    /// Takes the sockets that listen on this address; port 0 stands for any port.
    pub(crate) fn claim(&mut self, address: std::net::SocketAddr) -> Vec<TcpListener> {
        let listens = |socket: &TcpListener| {
            socket
                .local_addr()
                .is_ok_and(|own| own == address || address.port() == 0 && own.ip() == address.ip())
        };
        let (claimed, rest) = std::mem::take(&mut self.sockets)
            .into_iter()
            .partition(listens);
        self.sockets = rest;
        claimed
    }

    /// Says that this gateway serves: the one before it drains.
    pub(crate) fn serving(mut self) {
        // One that is gone meanwhile needs no telling.
        let _ = self.from.write_all(&[SERVING]);
    }
}

fn receive(mut from: &UnixStream) -> io::Result<Vec<TcpListener>> {
    let mut count = [0; 2];
    from.read_exact(&mut count)?;
    let count = usize::from(u16::from_be_bytes(count));
    let mut sockets = Vec::new();
    while sockets.len() < count {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(BATCH))];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        let mut mark = [0];
        let received = recvmsg(
            from,
            &mut [IoSliceMut::new(&mut mark)],
            &mut control,
            RecvFlags::CMSG_CLOEXEC,
        )?;
        if received.bytes == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        for message in control.drain() {
            if let RecvAncillaryMessage::ScmRights(passed) = message {
                sockets.extend(passed.map(TcpListener::from));
            }
        }
    }
    Ok(sockets)
}

fn send(mut to: &UnixStream, sockets: &[TcpListener]) -> io::Result<()> {
    let count = u16::try_from(sockets.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
    to.write_all(&count.to_be_bytes())?;
    for batch in sockets.chunks(BATCH) {
        let passed: Vec<_> = batch.iter().map(AsFd::as_fd).collect();
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(BATCH))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        if !control.push(SendAncillaryMessage::ScmRights(&passed)) {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        sendmsg(to, &[IoSlice::new(&[0])], &mut control, SendFlags::empty())?;
    }
    Ok(())
}

/// What a gateway gives to the next one.
pub(crate) struct Offer {
    path: PathBuf,
    /// Closed when the gateway drains, so that nothing waits in a queue that nobody reads.
    sockets: Mutex<Vec<TcpListener>>,
}

impl Offer {
    /// Holds the file at `path`, and gives these sockets to whoever asks there.
    ///
    /// # Errors
    /// If there cannot be such a file, or something else is there.
    pub(crate) fn start(
        path: &Path,
        sockets: Vec<TcpListener>,
        shared: Arc<Shared>,
    ) -> Result<(), StartFault> {
        let fault = |fault: io::Error| {
            StartFault::new(
                format!("`{}` cannot be made: {fault}", path.display()),
                "give `--hand-over` a file in a folder that exists and that this user may write to",
            )
        };
        if std::fs::symlink_metadata(path).is_ok_and(|there| !there.file_type().is_socket()) {
            return Err(fault(io::Error::new(
                io::ErrorKind::AlreadyExists,
                "there is something that is no socket",
            )));
        }
        // Made beside it and moved there: at no moment is there no file, or one for everybody.
        let mut made = path.as_os_str().to_owned();
        made.push(format!(".{}", std::process::id()));
        let made = PathBuf::from(made);
        let _ = std::fs::remove_file(&made);
        let listener = UnixListener::bind(&made).map_err(fault)?;
        std::fs::set_permissions(&made, std::fs::Permissions::from_mode(0o600))
            .and_then(|()| std::fs::rename(&made, path))
            .map_err(fault)?;
        let offer = Arc::new(Offer {
            path: path.to_owned(),
            sockets: Mutex::new(sockets),
        });
        shared.offer(offer.clone());
        std::thread::Builder::new()
            .name("hand-over".to_owned())
            .spawn(move || {
                for asked in listener.incoming().flatten() {
                    if offer.give(&asked).is_ok() {
                        shared.hand_over();
                        return;
                    }
                }
            })
            .map_err(fault)?;
        Ok(())
    }

    /// Gives the sockets away, and waits until they are served from there.
    fn give(&self, to: &UnixStream) -> io::Result<()> {
        to.set_read_timeout(Some(PATIENCE))?;
        to.set_write_timeout(Some(PATIENCE))?;
        {
            let sockets = self.sockets.lock();
            if sockets.is_empty() {
                return Err(io::ErrorKind::NotConnected.into());
            }
            send(to, &sockets)?;
        }
        let mut said = [0];
        let mut from = to;
        from.read_exact(&mut said)?;
        match said {
            [SERVING] => Ok(()),
            _ => Err(io::ErrorKind::InvalidData.into()),
        }
    }

    /// Nothing is given any more. The file goes, unless the next gateway has it.
    pub(super) fn withdraw(&self, handed_over: bool) {
        self.sockets.lock().clear();
        if !handed_over {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}
