/// A progress bar on standard error, drawn only when that is a terminal.
struct ProgressBar {
    private let total: Int
    private let isTerminal = Terminal.isErrorTerminal
    private var last = ""

    init(total: Int) {
        self.total = max(1, total)
    }

    mutating func show(_ done: Int, note: String) {
        let share = min(1, Double(done) / Double(total))
        let filled = Int(share * 30)
        let bar = String(repeating: "█", count: filled) + String(repeating: "░", count: 30 - filled)
        last = "\(bar) \(Int(share * 100)) %  \(note)"
        draw()
    }

    /// A line of its own above the bar.
    func interrupt(_ line: String) {
        Terminal.error("\(isTerminal ? "\r\u{1B}[K" : "")\(line)\n")
        draw()
    }

    func finish() {
        if isTerminal { Terminal.error("\n") }
    }

    private func draw() {
        if isTerminal { Terminal.error("\r\u{1B}[K\(last)") }
    }
}
