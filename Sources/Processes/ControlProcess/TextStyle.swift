import Glibc

/// Colours for standard output where it is a terminal, and nothing where it is not or `NO_COLOR` is set.
struct TextStyle {
    /// What a colour says.
    enum Meaning: String {
        case added = "32"
        case removed = "31"
        case changed = "33"
        case faint = "2"
        case strong = "1"
    }

    let isColoured: Bool

    /// The style of standard output.
    static var output: TextStyle {
        TextStyle(isColoured: isatty(1) == 1 && getenv("NO_COLOR") == nil)
    }

    func callAsFunction(_ text: String, _ meaning: Meaning) -> String {
        isColoured ? "\u{1B}[\(meaning.rawValue)m\(text)\u{1B}[0m" : text
    }
}
