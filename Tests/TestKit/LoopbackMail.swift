import Synchronization

/// What a ``LoopbackServer`` that speaks SMTP was told.
public final class LoopbackMailLog: Sendable {
    private let state = Mutex<(commands: [String], messages: [String])>(([], []))

    /// Makes an empty log.
    public init() {}

    /// Every command line, in their order.
    public var commands: [String] { state.withLock { $0.commands } }
    /// Every mail, as it came between `DATA` and the dot.
    public var messages: [String] { state.withLock { $0.messages } }

    fileprivate func note(command: String) { state.withLock { $0.commands.append(command) } }
    fileprivate func note(message: String) { state.withLock { $0.messages.append(message) } }
}

extension LoopbackConnection {
    /// Speaks SMTP until the other side quits.
    ///
    /// - Parameter replies: by the first word of a command, or `greeting` and `message`; without one the command is
    ///   taken. A reply of nothing ends the connection.
    public func serveMail(_ log: LoopbackMailLog, replies: [String: String] = [:]) {
        var buffer: [UInt8] = []
        func line(endingIn end: String) -> String? {
            while true {
                if let range = buffer.firstRange(of: Array(end.utf8)) {
                    defer { buffer.removeSubrange(..<range.upperBound) }
                    return String(decoding: buffer[..<range.lowerBound], as: UTF8.self)
                }
                let more = read()
                guard !more.isEmpty else { return nil }
                buffer += more
            }
        }
        func reply(_ key: String, _ usual: String) -> String? {
            let text = replies[key] ?? usual
            guard !text.isEmpty, write(text + "\r\n") else { return nil }
            return text
        }
        guard reply("greeting", "220 loopback ready") != nil else { return }
        while let command = line(endingIn: "\r\n") {
            log.note(command: command)
            let word = String(command.split(separator: " ").first ?? "").uppercased()
            let usual =
                switch word {
                case "EHLO": "250-loopback\r\n250 SIZE 10000000"
                case "DATA": "354 go on"
                case "QUIT": "221 bye"
                default: "250 ok"
                }
            guard let answer = reply(word, usual), word != "QUIT" else { return }
            guard word == "DATA", answer.hasPrefix("354") else { continue }
            guard let message = line(endingIn: "\r\n.\r\n") else { return }
            log.note(message: message)
            guard reply("message", "250 2.0.0 queued as 42") != nil else { return }
        }
    }
}
