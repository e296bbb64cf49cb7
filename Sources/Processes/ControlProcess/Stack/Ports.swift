import Glibc

/// TCP ports of the loopback interface.
enum Ports {
    /// True when a server could listen on that port now.
    static func isFree(_ port: Int, host: String = "127.0.0.1") -> Bool {
        withBoundSocket(host: host, port: port) { _ in true } ?? false
    }

    /// A port that was free a moment ago, chosen by the kernel.
    static func free() throws -> Int {
        guard let port = withBoundSocket(host: "127.0.0.1", port: 0, { $0 }) else {
            throw CommandError("no free port on 127.0.0.1")
        }
        return port
    }

    private static func withBoundSocket<R>(host: String, port: Int, _ body: (Int) -> R) -> R? {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(UInt16(clamping: port)).bigEndian
        guard inet_pton(AF_INET, host, &address.sin_addr) == 1 else { return body(port) }
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        // As the servers do: without it a port in TIME_WAIT would look busy just after a stop.
        var yes: CInt = 1
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<CInt>.size))
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let bound = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                bind(descriptor, pointer, length) == 0 && listen(descriptor, 1) == 0
                    && getsockname(descriptor, pointer, &length) == 0
            }
        }
        return bound ? body(Int(UInt16(bigEndian: address.sin_port))) : nil
    }
}
