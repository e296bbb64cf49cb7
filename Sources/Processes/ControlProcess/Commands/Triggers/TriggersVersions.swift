import ArgumentParser
import JSONTree
import Outbound

struct TriggersVersions: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "versions", abstract: "Lists the versions of a trigger, the newest first, or shows one.",
        discussion: """
            EXAMPLES:
              collider triggers versions "Large payment"
              collider triggers versions "Large payment" 2
            """)
    @OptionGroup var trigger: NamedTrigger
    @Argument(help: "Number of the version to show as JSON.") var number: Int?
    @Option(help: "How many to list (1 to 1000).") var limit = 50
    @OptionGroup var api: APIAccess

    func validate() throws {
        guard (1...1_000).contains(limit) else { throw ValidationError("--limit takes 1 to 1000") }
    }

    func run() async throws {
        let answer = try await api.withClient { client in
            let path = try await trigger.find(client).path + "/versions"
            return try await client.json("GET", number.map { "\(path)/\($0)" } ?? "\(path)?limit=\(limit)").root
        }
        guard number == nil else { return print(answer.description) }
        print(
            "VERSION".padded(to: 9) + "IS".padded(to: 8) + "MADE AT".padded(to: 30) + "ENABLED".padded(to: 9) + "NAME")
        for version in answer["data"]?.elements.map({ $0 }) ?? [] {
            let isEnabled = version["trigger"]?["enabled"]?.bool == true
            print(
                String(version["version"]?.int64 ?? 0).padded(to: 9)
                    + (version["role"]?.string ?? "").padded(to: 8)
                    + (version["made_at"]?.string ?? "").padded(to: 30) + (isEnabled ? "yes" : "no").padded(to: 9)
                    + (version["trigger"]?["name"]?.string ?? ""))
        }
        if answer["next_cursor"]?.string != nil { Terminal.error("There are more; --limit shows up to 1000.\n") }
    }
}

struct TriggersDiff: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "diff", abstract: "Shows how two versions of a trigger differ; secrets are masked.",
        discussion: """
            EXAMPLES:
              collider triggers diff "Large payment" 1 2
              collider triggers diff "Large payment" 1        with the version that is live
            """)
    @OptionGroup var trigger: NamedTrigger
    @Argument(help: "Number of the one version.") var from: Int
    @Argument(help: "Number of the other [default: the live one].") var to: Int?
    @OptionGroup var api: APIAccess

    func run() async throws {
        let changes = try await api.withClient { client in
            let found = try await trigger.find(client)
            let other = to ?? Int(found.version)
            return try await client.json("GET", "\(found.path)/versions/\(from)/diff/\(other)").root["changes"]
        }
        let lines = DifferenceText(style: .output).lines(changes)
        print(lines.isEmpty ? "They say the same." : lines.joined(separator: "\n"))
    }
}

struct TriggersRollback: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rollback", abstract: "Makes a new version that says the same as an old one.",
        discussion: "EXAMPLE:\n  collider triggers rollback \"Large payment\" 1")
    @OptionGroup var trigger: NamedTrigger
    @Argument(help: "Number of the old version.") var number: Int
    @OptionGroup var api: APIAccess

    func run() async throws {
        let (old, new) = try await api.withClient { client in
            let found = try await trigger.find(client)
            return (found, try await client.json("POST", "\(found.path)/versions/\(number)/rollback").root)
        }
        let version = new["version"]?.int64 ?? 0
        print(
            version == old.version
                ? "\(old.name) says that already (version \(version))"
                : "\(old.name) is as in version \(number) (now \(version))")
    }
}

/// Differences as lines: the place, what was there, what is there.
struct DifferenceText {
    let style: TextStyle

    func lines(_ changes: JSONValue?) -> [String] {
        changes?.elements.flatMap { change in
            let path = change["path"]?.string ?? ""
            return [path.isEmpty ? "/" : path] + line("- ", change["before"], .removed)
                + line("+ ", change["after"], .added)
        } ?? []
    }

    private func line(_ sign: String, _ value: JSONValue?, _ meaning: TextStyle.Meaning) -> [String] {
        guard let value, !value.isNull else { return [] }
        let text = value.description.split(whereSeparator: \.isNewline).map { $0.drop { $0 == " " } }.joined(
            separator: " ")
        return [style("  \(sign)\(text)", meaning)]
    }
}
