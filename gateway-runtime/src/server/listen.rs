//! Listening sockets.

use std::io;
use std::net::{SocketAddr, TcpListener};

use socket2::{Domain, Protocol, Socket, Type};

use crate::settings::StartFault;

/// Connections that wait to be accepted, per worker. The kernel may have a lower limit of its own.
const BACKLOG: i32 = 2048;

/// One listening socket per worker or more, all on one address, and that address with its real port. Those that were `claimed`
/// from the gateway before are among them.
///
/// The kernel lets several sockets share an address, even those of two processes, so that two gateways started by mistake would
/// silently share their connections. An ordinary socket is bound first, to be told about that.
pub(super) fn on(
    address: SocketAddr,
    workers: usize,
    claimed: Vec<TcpListener>,
) -> Result<(SocketAddr, Vec<TcpListener>), StartFault> {
    let listen = || -> io::Result<(SocketAddr, Vec<TcpListener>)> {
        let mut sockets = claimed;
        if sockets.is_empty() {
            let probe = bind(address, false)?;
            probe.listen(1)?;
            drop(probe);
            sockets.push(listening(address)?);
        }
        let bound = match sockets.first() {
            Some(first) => first.local_addr()?,
            None => address,
        };
        while sockets.len() < workers {
            sockets.push(listening(bound)?);
        }
        Ok((bound, sockets))
    };
    listen().map_err(|fault| {
        let help = match fault.kind() {
            io::ErrorKind::AddrInUse => "stop what listens there, or choose another `--listen`",
            io::ErrorKind::PermissionDenied => {
                "ports below 1024 want a privilege: choose another `--listen`, or grant CAP_NET_BIND_SERVICE"
            }
            io::ErrorKind::AddrNotAvailable => {
                "this machine does not have the address: choose another `--listen`, or 0.0.0.0 for all it has"
            }
            _ => "choose another `--listen`",
        };
        StartFault::new(format!("cannot listen on {address}: {}", reason(&fault)), help)
    })
}

fn listening(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = bind(address, true)?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

fn reason(fault: &io::Error) -> String {
    match fault.kind() {
        io::ErrorKind::AddrInUse => "the address is in use".to_owned(),
        io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        io::ErrorKind::AddrNotAvailable => "there is no such address here".to_owned(),
        _ => fault.to_string(),
    }
}

fn bind(address: SocketAddr, share: bool) -> io::Result<Socket> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::STREAM,
        Some(Protocol::TCP),
    )?;
    socket.set_nonblocking(true)?;
    // A restarted gateway may listen at once, though connections of the last one linger.
    socket.set_reuse_address(true)?;
    if share {
        socket.set_reuse_port(true)?;
    }
    socket.bind(&address.into())?;
    Ok(socket)
}
