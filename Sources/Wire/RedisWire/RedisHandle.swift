import CRedis
import Glibc

/// Owner of one `redisContext`. Not Sendable: it lives inside the actor of its connection and is used on that lane
/// only.
///
/// hiredis connects and parses answers; commands are encoded and sent here, because hiredis 0.14 sends with `write`,
/// and the SIGPIPE of a lost connection would end the process.
final class RedisHandle {
    private let context: UnsafeMutablePointer<redisContext>
    private var isSendBroken = false

    /// Connects, which blocks for as long as the configuration allows.
    init(_ configuration: RedisConfiguration, blockingFor: Duration) throws(RedisError) {
        let made = redisConnectWithTimeout(
            configuration.host, Int32(clamping: configuration.port), timeval(configuration.timeout))
        guard let made else { throw RedisError(.connection, "out of memory") }
        // From here on `deinit` frees it, also when this initialiser throws.
        context = made
        guard made.pointee.err == 0 else {
            throw RedisError(.connection, "\(configuration.host):\(configuration.port): \(words)")
        }
        redisSetTimeout(made, timeval(configuration.timeout + blockingFor))
        redisEnableKeepAlive(made)
        if let password = configuration.password { try handshake(["AUTH", password]) }
        if configuration.database != 0 { try handshake(["SELECT", String(configuration.database)]) }
    }

    deinit {
        redisFree(context)
    }

    /// Whether an answer was lost, so that the next one would be taken for it.
    var isBroken: Bool { isSendBroken || context.pointee.err != 0 }

    /// Sends commands; one ``nextReply()`` belongs to each.
    func send(_ commands: [[String]]) throws(RedisError) {
        guard !isBroken else { throw RedisError(.connection, "the connection is broken") }
        let bytes = RedisCommandEncoding.encode(commands)
        var start = 0
        while start < bytes.count {
            let sent = bytes[start...].withUnsafeBytes { rest in
                Glibc.send(context.pointee.fd, rest.baseAddress, rest.count, Int32(MSG_NOSIGNAL))
            }
            if sent >= 0 {
                start += sent
            } else if errno != EINTR {
                let code = errno
                isSendBroken = true
                throw RedisError(.connection, Self.words(code))
            }
        }
    }

    /// Reads one answer, which blocks until it is there or the timeout is over.
    func nextReply() throws(RedisError) -> RedisReply {
        var raw: UnsafeMutableRawPointer?
        guard redisGetReply(context, &raw) == REDIS_OK, let raw else {
            let code = errno
            throw RedisError(.connection, context.pointee.err == REDIS_ERR_IO ? Self.words(code) : words)
        }
        defer { freeReplyObject(raw) }
        return RedisReply(UnsafePointer(raw.assumingMemoryBound(to: redisReply.self)))
    }

    private func handshake(_ command: [String]) throws(RedisError) {
        try send([command])
        if case .error(let message) = try nextReply() { throw RedisError(.server, message) }
    }

    /// What hiredis says of its last error.
    private var words: String {
        withUnsafePointer(to: &context.pointee.errstr) {
            $0.withMemoryRebound(to: CChar.self, capacity: MemoryLayout.size(ofValue: $0.pointee)) {
                String(cString: $0)
            }
        }
    }

    private static func words(_ code: Int32) -> String {
        // What a socket says whose timeout is over.
        code == EAGAIN ? "no answer in time" : String(cString: strerror(code))
    }
}

/// Commands on the wire (RESP2): each an array of strings, each string with its length in front.
enum RedisCommandEncoding {
    static func encode(_ commands: [[String]]) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(commands.reduce(0) { $0 + $1.reduce(16) { $0 + $1.utf8.count + 16 } })
        for command in commands {
            // An empty command gets no answer, and we would wait for one.
            precondition(!command.isEmpty, "a Redis command has a name")
            bytes += "*\(command.count)\r\n".utf8
            for argument in command {
                bytes += "$\(argument.utf8.count)\r\n".utf8
                bytes += argument.utf8
                bytes += "\r\n".utf8
            }
        }
        return bytes
    }
}

extension timeval {
    fileprivate init(_ duration: Duration) {
        let (seconds, attoseconds) = duration.components
        self.init(tv_sec: Int(seconds), tv_usec: Int(attoseconds / 1_000_000_000_000))
    }
}
