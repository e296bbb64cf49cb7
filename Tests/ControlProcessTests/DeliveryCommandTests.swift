import ArgumentParser
import Foundation
import JSONTree
import SystemPackage
import Testing

@testable import ControlProcess

@Suite("Deliveries and keys on the command line")
struct DeliveryCommandTests {
    private func delivery(_ id: String, _ status: String, attempt: Int = 1, more: String = "") throws -> JSONValue {
        try JSONDocument(
            #"{"id":"\#(id)","status":"\#(status)","type":"rest","attempt":\#(attempt),"max_attempts":10\#(more)}"#
        ).root
    }

    @Test func `a line says status, attempts and why, on one line, without colours in a pipe`() throws {
        let more = #","last_error":"the receiver\nanswered 500 \#(String(repeating: "x", count: 90))","replay_of":null"#
        let line = DeliveryLine(try delivery("d1", "dead", attempt: 3, more: more)).text(TextStyle(isColoured: false))
        #expect(line.hasPrefix("d1") && line.contains("dead") && line.contains("3/10"))
        #expect(line.contains("the receiver answered 500") && line.hasSuffix("…") && !line.contains("\n"))
        let arrived = DeliveryLine(try delivery("d2", "succeeded", more: more)).text(TextStyle(isColoured: true))
        #expect(arrived.contains("\u{1B}[32m") && !arrived.contains("answered 500"))
        let replay = DeliveryLine(try delivery("d3", "ready", more: #","replay_of":"d1""#))
        #expect(replay.text(TextStyle(isColoured: false)).contains("replay of d1"))
    }

    @Test func `one delivery is shown with whatever the API says of its attempts`() throws {
        let attempts = """
            ,"attempts":[
            {"attempt":1,"status_code":500,"error":"boom","response":"line 1\\nline 2","timings":{"dns":1}},
            {"attempt":2,"status_code":404,"error":null,"response_headers":[{"name":"a","value":"b"}]},
            {"attempt":3,"status_code":200,"error":null}]
            """
        let lines = DeliveryText(
            try delivery("d1", "succeeded", attempt: 2, more: attempts), style: TextStyle(isColoured: false)
        ).lines
        #expect(lines.contains("Attempt 1, failed") && lines.contains("Attempt 2, failed"))
        #expect(lines.contains("Attempt 3, arrived") && lines.contains { $0.hasSuffix(" a: b") })
        #expect(lines.contains { $0.contains("timings") && $0.contains(#"{"dns":1}"#) })
        #expect(lines.contains { $0.contains("line 1\n                    line 2") })
        #expect(!lines.contains { $0.contains("null") })
        let none = DeliveryText(try delivery("d1", "ready"), style: TextStyle(isColoured: false)).lines
        #expect(none.last == "No attempt has ended yet.")
    }

    @Test func `a tail shows what is on its way, then what is new or has changed, the oldest first`() throws {
        var changes = DeliveryChanges()
        let first = try changes.take([delivery("c", "scheduled"), delivery("b", "succeeded"), delivery("a", "ready")])
        #expect(first.compactMap { $0["id"]?.string } == ["a", "c"])
        let second = try changes.take([
            delivery("d", "succeeded"), delivery("c", "scheduled"), delivery("b", "succeeded"),
            delivery("a", "running", attempt: 2),
        ])
        #expect(second.compactMap { $0["id"]?.string } == ["a", "d"])
        #expect(try changes.take([delivery("d", "succeeded"), delivery("c", "scheduled", attempt: 2)]).count == 1)
    }

    @Test func `a replay says what it is about, in words that go together`() throws {
        for line in [
            "--status dead --rate 5 --current", "--events --event 0197a3f2-0000-7000-8000-000000000000",
            "--events --from 1d --event-type A --trigger x", "--trigger x --again",
        ] {
            _ = try DeliveriesReplay.parse(line.split(separator: " ").map(String.init))
        }
        for line in ["", "--event-type A --status dead", "--events --status dead", "--events --from 1d --again"] {
            #expect(throws: (any Error).self, "\(line)") {
                try DeliveriesReplay.parse(line.split(separator: " ").map(String.init))
            }
        }
        #expect(throws: (any Error).self) { try DeliveriesCommand.List.parse(["--from", "soon"]) }
        #expect(throws: (any Error).self) { try DeliveriesCommand.List.parse(["--limit", "0"]) }
    }

    @Test func `a rotated key is new, the one before it is kept, and a home of an earlier release gets one`()
        async throws
    {
        let folder = FileManager.default.temporaryDirectory.appending(path: "collider-home-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        let home = try Home(FilePath(folder.path()).appending("home").string)
        try home.create()
        let first = try StackSecrets.loadOrCreate(in: home)
        #expect(Hexadecimal.bytes(first.encryptionKey)?.count == 32)
        try first.rotated().write(to: home)
        let second = try StackSecrets.loadOrCreate(in: home)
        #expect(second.encryptionKey != first.encryptionKey && second.oldEncryptionKeys == [first.encryptionKey])
        #expect(second.signingSecret == first.signingSecret)
        let early = #"{"database_password": "a", "redis_password": "b", "jwt_secret": "c"}"#
        try Files.write(Array(early.utf8), to: home.secrets, mode: .ownerReadWrite)
        let made = try StackSecrets.loadOrCreate(in: home)
        #expect(made.databasePassword == "a" && made.encryptionKey.utf8.count == 64)
        #expect(try StackSecrets.loadOrCreate(in: home).encryptionKey == made.encryptionKey)
        #expect(Hexadecimal.bytes("0g") == nil && Hexadecimal.bytes("0") == nil)
        #expect(Hexadecimal.text([0, 255, 16]) == "00ff10")
    }
}
