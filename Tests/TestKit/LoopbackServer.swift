import Glibc
import Synchronization

/// A server on a loopback address that does exactly what a test says, also what no decent server would.
public final class LoopbackServer: Sendable {
    /// Where it listens.
    public let port: Int
    private let descriptor: Int32
    private let accepted = Atomic<Int>(0)

    /// How many connections were made to it.
    public var connections: Int { accepted.load(ordering: .sequentiallyConsistent) }

    fileprivate init(
        address: String, port: Int, serve: @escaping @Sendable (LoopbackConnection) -> Void
    ) throws(LoopbackError) {
        (descriptor, self.port) = try bindSocket(address, port)
        guard listen(descriptor, 512) == 0 else { throw LoopbackError(step: "listen", code: errno) }
        startThread { self.acceptAll(serve) }
    }

    private func acceptAll(_ serve: @escaping @Sendable (LoopbackConnection) -> Void) {
        while true {
            let connection = accept(descriptor, nil, nil)
            guard connection >= 0 else { break }
            accepted.add(1, ordering: .sequentiallyConsistent)
            startThread {
                serve(LoopbackConnection(descriptor: connection))
                Glibc.close(connection)
            }
        }
        Glibc.close(descriptor)
    }

    /// Ends the wait for connections, which closes the socket.
    fileprivate func stop() {
        shutdown(descriptor, Int32(SHUT_RDWR))
    }
}

/// Lends a port of 127.0.0.1 on which connections are refused.
///
/// It is bound for as long and not listened on. A port that was merely free a moment ago would be given to the server
/// of another test, which would then see connections that are none of its own.
public func withRefusingPort<R>(_ body: (_ port: Int) async throws -> R) async throws -> R {
    let (descriptor, port) = try bindSocket("127.0.0.1", 0)
    defer { close(descriptor) }
    return try await body(port)
}

/// Makes a socket on an address; port 0 is any that is free.
private func bindSocket(_ address: String, _ port: Int) throws(LoopbackError) -> (descriptor: Int32, port: Int) {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { throw LoopbackError(step: "socket", code: errno) }
    var place = sockaddr_in()
    place.sin_family = sa_family_t(AF_INET)
    place.sin_port = UInt16(port).bigEndian
    inet_pton(AF_INET, address, &place.sin_addr)
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    var yes: Int32 = 1
    setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<Int32>.size))
    let isBound = withUnsafeMutablePointer(to: &place) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            bind(descriptor, $0, size) == 0 && getsockname(descriptor, $0, &size) == 0
        }
    }
    guard isBound else {
        let code = errno
        close(descriptor)
        throw LoopbackError(step: "bind", code: code)
    }
    return (descriptor, Int(UInt16(bigEndian: place.sin_port)))
}

/// Runs something on a thread of its own, which may block for as long as a test wants.
///
/// Not on a queue: those share 255 threads, which the servers of tests that run side by side can use up, and then the
/// lanes under test stand still.
private func startThread(_ body: @escaping @Sendable () -> Void) {
    final class Box: Sendable {
        let body: @Sendable () -> Void
        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }
    var thread = pthread_t()
    let box = Unmanaged.passRetained(Box(body))
    let code = pthread_create(
        &thread, nil,
        { place in
            if let place { Unmanaged<Box>.fromOpaque(place).takeRetainedValue().body() }
            return nil
        }, box.toOpaque())
    precondition(code == 0, "no thread for a test's server")
    pthread_detach(thread)
}

/// A system call of a test's server failed.
public struct LoopbackError: Error {
    let step: String
    let code: Int32
}

/// Lends a server that handles each connection, which is closed afterwards, with the given function.
public func withLoopbackServer<R>(
    address: String = "127.0.0.1", port: Int = 0, _ serve: @escaping @Sendable (LoopbackConnection) -> Void,
    _ body: (LoopbackServer) async throws -> R
) async throws -> R {
    let server = try LoopbackServer(address: address, port: port, serve: serve)
    defer { server.stop() }
    return try await body(server)
}

/// One connection to a ``LoopbackServer``; its calls block.
public struct LoopbackConnection: Sendable {
    let descriptor: Int32

    /// Reads what has come, at least a byte; nothing when the other side has closed.
    public func read(atMost count: Int = 65_536) -> [UInt8] {
        var buffer = [UInt8](repeating: 0, count: count)
        let received = recv(descriptor, &buffer, count, 0)
        return Array(buffer.prefix(max(0, received)))
    }

    /// Sends everything.
    ///
    /// - Returns: false when the other side is gone.
    @discardableResult
    public func write(_ bytes: some Collection<UInt8>) -> Bool {
        var rest = Array(bytes)[...]
        while !rest.isEmpty {
            let sent = rest.withUnsafeBytes { send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            guard sent > 0 else { return false }
            rest = rest.dropFirst(sent)
        }
        return true
    }

    /// Sends a text; see ``write(_:)``.
    @discardableResult
    public func write(_ text: String) -> Bool { write(text.utf8) }

    /// Has the connection's end be a reset instead of a close.
    public func resetAtClose() {
        var option = linger(l_onoff: 1, l_linger: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<linger>.size))
    }

    /// Waits until the other side has closed.
    public func waitForEnd() {
        while !read().isEmpty {}
    }

    /// Reads one HTTP request with a body of `content-length`; nil when the other side has closed.
    public func readRequest() -> LoopbackRequest? {
        var bytes: [UInt8] = []
        while true {
            if let request = LoopbackRequest(bytes) { return request }
            let more = read()
            guard !more.isEmpty else { return nil }
            bytes += more
        }
    }

    /// Answers every request of the connection.
    public func answerAll(_ answer: (LoopbackRequest) -> String) {
        while let request = readRequest(), write(answer(request)) {}
    }
}

/// An HTTP request as a ``LoopbackServer`` saw it.
public struct LoopbackRequest: Sendable {
    /// `POST /path HTTP/1.1`.
    public let line: String
    /// By names in lower case.
    public let headers: [String: String]
    /// The body.
    public let body: [UInt8]

    fileprivate init?(_ bytes: [UInt8]) {
        guard let end = bytes.firstRange(of: Array("\r\n\r\n".utf8)) else { return nil }
        var lines = String(decoding: bytes[..<end.lowerBound], as: UTF8.self).split(separator: "\r\n")[...]
        line = String(lines.popFirst() ?? "")
        var headers: [String: String] = [:]
        for line in lines {
            let halves = line.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            headers[halves[0].lowercased()] = String(halves.last?.drop { $0 == " " } ?? "")
        }
        self.headers = headers
        let length = headers["content-length"].flatMap { Int($0) } ?? 0
        guard bytes.count - end.upperBound >= length else { return nil }
        body = Array(bytes[end.upperBound...].prefix(length))
    }
}

/// An HTTP answer with a `content-length`.
public func httpAnswer(_ status: Int = 200, headers: [String] = [], body: String = "") -> String {
    let lines = ["HTTP/1.1 \(status) Answer", "content-length: \(body.utf8.count)"] + headers
    return lines.joined(separator: "\r\n") + "\r\n\r\n" + body
}
