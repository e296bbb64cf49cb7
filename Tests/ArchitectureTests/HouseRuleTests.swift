import Foundation
import Testing

/// The house rules that a program can check.
@Suite("House rules")
struct HouseRuleTests {
    private static let banned = [
        "DateFormatter", ".global(", "Task.detached", "try!", "fatalError(\"not implemented", "Thread.sleep",
    ]
    /// Allowed only with a comment on the line before, or at its end, that gives the reason.
    private static let needReason = ["@unchecked Sendable", "nonisolated(unsafe)"]

    private static func sources() throws -> [SourceFile] {
        try SourceTree.swiftFiles(below: "Sources") + SourceTree.swiftFiles(below: "Tests")
    }

    @Test("No file is longer than 500 lines, and no line than 120 columns")
    func filesAreShort() throws {
        for file in try Self.sources() {
            #expect(file.lines.count <= 500, "\(file) has \(file.lines.count) lines")
            for (number, line) in file.lines.enumerated() where line.count > 120 {
                Issue.record("\(file):\(number + 1) has \(line.count) columns")
            }
        }
    }

    @Test("No function is longer than 70 lines")
    func functionsAreShort() throws {
        for file in try SourceTree.swiftFiles(below: "Sources") {
            for function in FunctionLengths.measure(file.lines) {
                #expect(function.length <= 70, "\(file):\(function.line) \(function.name) has \(function.length) lines")
            }
        }
    }

    @Test("Banned words stand nowhere")
    func bannedWordsAreAbsent() throws {
        for file in try Self.sources() where file.module != "HouseRuleTests.swift" {
            for (number, line) in file.lines.enumerated() {
                for word in Self.banned where line.contains(word) {
                    Issue.record("\(file):\(number + 1) holds \(word)")
                }
            }
        }
    }

    @Test("Only the command line prints")
    func onlyTheCommandLinePrints() throws {
        let call = try Regex(#"(^|[^\w.])print\("#)
        for file in try SourceTree.swiftFiles(below: "Sources") where file.module != "ControlProcess" {
            for (number, line) in file.lines.enumerated() where line.contains(call) {
                Issue.record("\(file):\(number + 1) prints")
            }
        }
    }

    @Test("What switches off a check of the compiler says why")
    func escapesHaveReasons() throws {
        for file in try SourceTree.swiftFiles(below: "Sources") {
            for (number, line) in file.lines.enumerated() {
                for word in Self.needReason where line.contains(word) && !line.contains("// ") {
                    let above = number > 0 ? file.lines[number - 1].drop { $0 == " " } : ""
                    #expect(above.hasPrefix("//"), "\(file):\(number + 1) uses \(word) without a reason above it")
                }
            }
        }
    }

    @Test("Folders are nouns of the domain, and no placeholder is left")
    func foldersAreNouns() throws {
        let vague: Set<Substring> = ["Utils", "Utilities", "Helpers", "Managers", "Common", "Misc"]
        for file in try Self.sources() {
            #expect(file.path.split(separator: "/").allSatisfy { !vague.contains($0) }, "\(file)")
            #expect(!file.path.hasSuffix("Placeholder.swift"), "\(file)")
        }
    }
}

/// Lengths of functions, found by indentation: `swift-format` in strict lint makes that exact.
enum FunctionLengths {
    struct Function {
        let name: String
        let line: Int
        let length: Int
    }

    static func measure(_ lines: [Substring]) -> [Function] {
        lines.indices.compactMap { start in
            let indent = lines[start].prefix { $0 == " " }
            let text = lines[start].dropFirst(indent.count)
            guard text.contains("func ") || text.hasPrefix("init") || text.contains(" init("), text.hasSuffix("{")
            else { return nil }
            guard let end = lines[start...].firstIndex(where: { $0 == indent + "}" }) else { return nil }
            return Function(name: String(text.prefix(60)), line: start + 1, length: end - start + 1)
        }
    }
}
