import EventModel
import Foundation
import JSONTree
import Testing

@testable import ControlProcess

@Suite("Folders of trigger files")
struct TriggerFolderTests {
    /// Lends a folder with files of these paths and texts.
    private func withFolder(_ files: [String: String], _ body: (String) throws -> Void) throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "collider-folder-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        for (path, text) in files {
            let file = folder.appending(path: path)
            try FileManager.default.createDirectory(
                at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data(text.utf8).write(to: file)
        }
        try body(folder.path())
    }

    @Test("A folder stands for its trigger files, in the order of their names, and so on downwards")
    func folder() throws {
        let files = [
            "b.yaml": "name: B", "a.yml": "name: A\n---\nname: A2", "inner/c.json": #"{"name":"C"}"#,
            "readme.md": "# no",
            ".hidden.yaml": "name: X", ".git/d.yaml": "name: Y",
        ]
        try withFolder(files) { path throws in
            let names = try TriggerFolder([path]).triggers.map(\.name)
            #expect(names == ["A", "A2", "B", "C"])
            let some = try TriggerFolder(["\(path)/b.yaml", "\(path)/inner"]).triggers.map(\.name)
            #expect(some == ["B", "C"])
        }
    }

    @Test("A file that is named is read whatever its name ends in")
    func named() throws {
        try withFolder(["trigger.txt": "name: A"]) { path throws in
            let names = try TriggerFolder(["\(path)/trigger.txt"]).triggers.map(\.name)
            #expect(names == ["A"])
        }
    }

    @Test("Two triggers of a name, and one without a name, are errors that name the files")
    func mistakes() throws {
        try withFolder(["a.yaml": "name: A", "b.yaml": "name: A", "c/d.yaml": "enabled: true"]) { path throws in
            let twice = #expect(throws: CommandError.self) { try TriggerFolder(["\(path)/a.yaml", "\(path)/b.yaml"]) }
            #expect(twice?.description.contains("b.yaml") == true && twice?.description.contains("a.yaml") == true)
            let nameless = #expect(throws: CommandError.self) { try TriggerFolder(["\(path)/c"]) }
            #expect(nameless?.description.contains("d.yaml has no name") == true)
            #expect(throws: CommandError.self) { try TriggerFolder(["\(path)/none.yaml"]) }
        }
    }

    @Test("Only what the same owner keeps and the files don't have is surplus")
    func surplus() throws {
        let existing = try JSONDocument(
            #"""
            [{"id":"1","name":"A","version":1,"managed_by":"files"},
             {"id":"2","name":"B","version":1,"managed_by":"files"},
             {"id":"3","name":"C","version":1,"managed_by":"others"},{"id":"4","name":"D","version":1}]
            """#
        ).root.elements.map { $0 }
        let wanted = TriggerFolder.Found(name: "A", definition: try JSONDocument(#"{"name":"A"}"#).root, file: "a")
        let plan = TriggerPlan([wanted], existing: existing, owner: "files")
        #expect(plan.surplus.map(\.name) == ["B"])
        #expect(plan.steps.map { $0.existing?.id } == ["1"])
        #expect(String(decoding: plan.steps[0].body, as: UTF8.self) == #"{"name":"A","managed_by":"files"}"#)
        #expect(TriggerPlan([wanted], existing: existing, owner: "nobody").surplus.isEmpty)
    }
}

@Suite("Answers of trigger commands as text")
struct TriggerTextTests {
    private let plain = TextStyle(isColoured: false)

    @Test("A difference has a line for what was and one for what is, in colour where there is any")
    func difference() throws {
        let changes = try JSONDocument(
            #"""
            [{"path":"/condition/value","before":1,"after":2},{"path":"/description","before":null,"after":"x"},
             {"path":"/actions/1","before":{"a":1},"after":null}]
            """#
        ).root
        #expect(
            DifferenceText(style: plain).lines(changes) == [
                "/condition/value", "  - 1", "  + 2", "/description", #"  + "x""#, "/actions/1", #"  - {"a":1}"#,
            ])
        #expect(DifferenceText(style: TextStyle(isColoured: true)).lines(changes)[1] == "\u{1B}[31m  - 1\u{1B}[0m")
    }

    @Test("An explanation is a tree with the values compared")
    func explanation() throws {
        let tree = try JSONDocument(
            #"""
            {"value":false,"all":[{"value":true,"field":"data.amount","operator":"gt","expected":10,"actual":12},
             {"value":false,"not":{"value":true,"field":"type","operator":"eq","expected":"A","actual":"A"}},
             {"value":false,"aggregate":"count","operator":"gte","expected":3,"actual":2,"group":["a"]},
             {"value":false,"sequence":4,"counted":true},{"value":false,"field":"data.x","operator":"eq","expected":1}]}
            """#
        ).root
        #expect(
            ExplanationText(style: plain).lines(tree) == [
                "✗ all", "  ✓ data.amount gt 10, is 12", "  ✗ not", #"    ✓ type eq "A", is "A""#,
                #"  ✗ count gte 3, is 2  (group ["a"])"#, "  ✗ sequence  (sequence 4, counted true)",
                "  ✗ data.x eq 1, is not there",
            ])
    }

    @Test("A backtest has a bar for each day, empty ones between them, and weeks where there are too many days")
    func chart() throws {
        let backtest = try JSONDocument(
            #"""
            {"from":"2026-03-01T00:00:00Z","to":"2026-03-05T00:00:00Z","result":{"complete":true,"events":100,"fired":5,
             "suppressed":2,"deliveries":{"rest":5},"samples":[{"event_id":"e","at":"2026-03-01T01:00:00Z"}],
             "days":[{"date":"2026-03-01","fired":4,"suppressed":0},{"date":"2026-03-03","fired":1,"suppressed":2}]}}
            """#
        ).root
        let lines = BacktestText(backtest).lines
        #expect(lines[0] == "5 fired, 2 suppressed, over 100 events from 2026-03-01T00:00:00Z to 2026-03-05T00:00:00Z")
        #expect(lines.contains("It would have made 5 rest"))
        let bars = lines.filter { $0.hasPrefix("  2026-03-0") && !$0.contains("event") }
        #expect(bars.map { $0.count { $0 == "█" } } == [40, 0, 10])
        #expect(bars[1].hasSuffix(" 0") && bars[2].hasSuffix(" 1  (2 suppressed)"))

        let long = try JSONDocument(
            #"""
            {"result":{"days":[{"date":"2026-01-01","fired":4},{"date":"2026-01-02","fired":4},
             {"date":"2026-12-31","fired":1}]}}
            """#
        ).root
        let weeks = BacktestText(long).lines
        #expect(weeks.contains("Fired, by 7 days:") && weeks.count { $0.hasPrefix("  2026-") } == 53)
        #expect(weeks.contains { $0.hasPrefix("  2026-01-01") && $0.hasSuffix(" 8") })
    }

    @Test(
        "A time is a day, a moment, or how long ago",
        arguments: [
            ("2026-03-01", "2026-03-01T00:00:00Z"), ("2026-03-01T12:00:00+02:00", "2026-03-01T10:00:00Z"),
            ("90s", "2026-03-09T23:58:30Z"), ("12h", "2026-03-09T12:00:00Z"), ("7d", "2026-03-03T00:00:00Z"),
            ("-7d", nil), ("7w", nil), ("0d", nil), ("yesterday", nil), ("", nil),
        ])
    func moment(_ text: String, _ expected: String?) throws {
        let now = try #require(Timestamp(rfc3339: "2026-03-10T00:00:00Z"))
        #expect(MomentText.read(text, before: now)?.rfc3339 == expected)
    }
}
