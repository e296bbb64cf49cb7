import ArgumentParser
import JSONTree
import Outbound

struct TriggersExplain: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain", abstract: "Says why a trigger fired for an event, or why not.",
        discussion: """
            What fired is told as it was stored. Otherwise the trigger is run again, in its version of that time, over
            the events before; where its states may have been others the answer says so.

            EXAMPLE:
              collider triggers explain "Large payment" 01990b1e-7c1c-7a52-b1a5-3d6e5c9e8f10
            """)
    @OptionGroup var trigger: NamedTrigger
    @Argument(help: "Id of the event.") var event: String
    @Flag(help: "The answer as JSON, as the API gives it.") var json = false
    @OptionGroup var api: APIAccess

    func run() async throws {
        let answer = try await api.withClient { client in
            let found = try await trigger.find(client)
            let path = "/api/v1/events/\(PercentEncoding.encode(event))/explain?trigger=\(found.id)"
            return try await client.json("GET", path).root
        }
        if json { return print(answer.description) }
        let version = answer["trigger_version"]?.int64.map { " (version \($0))" } ?? ""
        print("\(answer["outcome"]?.string ?? "")\(version): \(answer["reason"]?.string ?? "")")
        if let tree = answer["explanation"] { ExplanationText(style: .output).lines(tree).forEach { print($0) } }
        guard let replay = answer["replay"] else { return }
        let note = replay["approximate"]?.bool == true ? "; its states may have been others then" : ""
        print("Run again over \(replay["events"]?.int64 ?? 0) events before it\(note).")
    }
}

/// The truth values of a condition as an indented tree.
struct ExplanationText {
    let style: TextStyle

    func lines(_ node: JSONValue, depth: Int = 0) -> [String] {
        let mark = node["value"]?.bool == true ? style("✓", .added) : style("✗", .removed)
        let indent = String(repeating: "  ", count: depth)
        for name in ["all", "any"] {
            guard let parts = node[name], parts.kind == .array else { continue }
            return ["\(indent)\(mark) \(name)"] + parts.elements.flatMap { lines($0, depth: depth + 1) }
        }
        if let part = node["not"] { return ["\(indent)\(mark) not"] + lines(part, depth: depth + 1) }
        return ["\(indent)\(mark) \(leaf(node))"]
    }

    private func leaf(_ node: JSONValue) -> String {
        guard let name = node["operator"]?.string else {
            let kind = ["sequence", "absence", "absence_ms"].first { node[$0] != nil }
            return (kind.map { String($0.prefix { $0 != "_" }) } ?? "no condition") + details(node, but: ["value"])
        }
        let subject = [node["aggregate"]?.string, node["field"]?.string].compactMap { $0 }.joined(separator: " ")
        let actual = node["actual"].map { style("is \($0.description)", .strong) } ?? style("is not there", .faint)
        let known = ["value", "aggregate", "field", "operator", "expected", "actual"]
        return "\(subject) \(name) \(node["expected"]?.description ?? ""), \(actual)\(details(node, but: known))"
    }

    /// Whatever else the node says.
    private func details(_ node: JSONValue, but known: [String]) -> String {
        let rest = node.members.filter { !known.contains($0.key) }.map { "\($0.key) \($0.value.description)" }
        return rest.isEmpty ? "" : style("  (\(rest.joined(separator: ", ")))", .faint)
    }
}
