import Foundation
import JSONTree
import Testing

@testable import ControlProcess

@Suite("Input of `collider send`")
struct EventInputTests {
    private func input(_ text: String) throws -> EventInput {
        let file = FileManager.default.temporaryDirectory.appending(path: "collider-input-\(UUID().uuidString)")
        try Data(text.utf8).write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        return try EventInput(file.path())
    }

    private func bodies(_ input: EventInput, size: Int) throws -> [String] {
        var batches = input.batches(of: size)
        var bodies: [String] = []
        while let batch = try batches.next() { bodies.append(String(decoding: batch.body, as: UTF8.self)) }
        return bodies
    }

    @Test("An object, an array and lines become the same batches")
    func formats() throws {
        #expect(try bodies(input(#"{"type":"A"}"#), size: 10) == [#"[{"type":"A"}]"#])
        #expect(try bodies(input(#"[{"n":1}, {"n":2},{"n":3}]"#), size: 2) == [#"[{"n":1},{"n":2}]"#, #"[{"n":3}]"#])
        #expect(try bodies(input("{\"n\":1}\n\n{\"n\":2}\r\n"), size: 2) == [#"[{"n":1},{"n":2}"# + "\r]"])
    }

    @Test("A line that is no JSON is named by its number")
    func badLine() {
        let error = #expect(throws: CommandError.self) { try input("{\"n\":1}\n{\"n\":}\n") }
        #expect(error?.description.hasPrefix("line 2 is not JSON") == true)
    }

    @Test("An empty file is an error that says so")
    func empty() {
        #expect(throws: CommandError.self) { try input("  \n") }
    }
}

@Suite("Trigger files")
struct TriggerFileTests {
    private func read(_ text: String) throws -> [String] {
        let file = FileManager.default.temporaryDirectory.appending(path: "collider-trigger-\(UUID().uuidString)")
        try Data(text.utf8).write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        return try TriggerFile.read(file.path()).map { String(decoding: $0.source, as: UTF8.self) }
    }

    @Test("YAML scalars keep their types: numbers, booleans, null, and text in quotes")
    func scalars() throws {
        let yaml =
            "name: A\nvalue: 1.50\nbig: 9007199254740993\non: true\nnothing: ~\nquoted: '12'\n"
        #expect(
            try read(yaml) == [
                #"{"name":"A","value":1.50,"big":9007199254740993,"on":true,"nothing":null,"quoted":"12"}"#
            ])
    }

    @Test("A plain scalar that only looks like a date is text")
    func plainText() throws {
        #expect(try read("plain: 2026-01-01\n") == [#"{"plain":"2026-01-01"}"#])
    }

    @Test("A file holds one trigger, a list, or several documents; JSON is taken as it is")
    func shapes() throws {
        #expect(try read("name: A\n---\nname: B\n") == [#"{"name":"A"}"#, #"{"name":"B"}"#])
        #expect(try read("- name: A\n- name: B\n") == [#"{"name":"A"}"#, #"{"name":"B"}"#])
        #expect(try read(#"[{"name": "A"}, {"name": "B"}]"#) == [#"{"name": "A"}"#, #"{"name": "B"}"#])
    }

    @Test("A file that is neither is an error that names it", arguments: ["{\"name\":", "a: b: c", "a: [1"])
    func broken(text: String) {
        #expect(throws: CommandError.self) { try read(text) }
    }
}
