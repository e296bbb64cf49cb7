import ArgumentParser
import JSONTree
import Outbound

struct TriggersEnable: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "enable", abstract: "Lets a trigger fire; what it has counted before is kept.",
        discussion: "EXAMPLE:\n  collider triggers enable \"Large payment\"")
    @OptionGroup var trigger: NamedTrigger
    @OptionGroup var api: APIAccess

    func run() async throws {
        print(try await api.withClient { try await trigger.find($0).enable(true, $0) })
    }
}

struct TriggersDisable: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "disable", abstract: "Keeps a trigger from firing, without deleting it.",
        discussion: "EXAMPLE:\n  collider triggers disable \"Large payment\"")
    @OptionGroup var trigger: NamedTrigger
    @OptionGroup var api: APIAccess

    func run() async throws {
        print(try await api.withClient { try await trigger.find($0).enable(false, $0) })
    }
}

extension ListedTrigger {
    fileprivate func enable(_ isEnabled: Bool, _ client: APIClient) async throws -> String {
        let changed = try await client.json("PATCH", path, body: Array(#"{"enabled":\#(isEnabled)}"#.utf8)).root
        let version = changed["version"]?.int64 ?? 0
        return "\(name) is \(isEnabled ? "enabled" : "disabled") (version \(version))"
    }
}
