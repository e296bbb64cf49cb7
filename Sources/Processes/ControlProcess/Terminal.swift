import Glibc

/// Lines for whoever waits at the other end of a pipe or a terminal: written at once, past the buffer of `print`.
enum Terminal {
    /// A line on standard output.
    static func line(_ text: String) {
        write(text + "\n", to: 1)
    }

    /// Text on standard error, without a line end.
    static func error(_ text: String) {
        write(text, to: 2)
    }

    static var isErrorTerminal: Bool { isatty(2) == 1 }

    /// Whether somebody can be asked.
    static var canAsk: Bool { isatty(0) == 1 && isErrorTerminal }

    /// Asks on standard error; true for `y` and `yes`.
    static func confirm(_ question: String) -> Bool {
        error("\(question) [y/N] ")
        return ["y", "yes"].contains(readLine()?.lowercased() ?? "")
    }

    private static func write(_ text: String, to descriptor: CInt) {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            // A reader that has gone away is no reason to fail: what the command does goes on.
            guard count > 0 || errno == EINTR else { return }
            rest = rest.dropFirst(max(0, count))
        }
    }
}
