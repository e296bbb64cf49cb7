import ArgumentParser
import JSONTree
import Outbound

struct TriggersApply: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "apply",
        abstract: "Makes the triggers what YAML or JSON files say.",
        discussion: """
            A file holds one trigger, a list of them, or several YAML documents; a folder stands for all its files that
            end in .yaml, .yml or .json, those of its folders included. Triggers are matched by name, so applying twice
            changes nothing the second time. All files are read before the first trigger is touched.

            What is applied is marked as kept by an owner (`managed_by`, "files" unless --owner says else). --prune
            deletes what the same owner keeps and the files no longer have, and never touches what others have made.

            EXAMPLES:
              collider triggers apply -f trigger.yaml
              collider triggers apply -f triggers/ --dry-run
              collider triggers apply -f triggers/ --prune --yes
              generate-triggers | collider triggers apply -f -
            """)
    @Option(
        name: [.customShort("f"), .customLong("file")], parsing: .upToNextOption,
        help: "Files and folders, or - for standard input.")
    var files: [String]
    @Flag(help: "Only show what would change.") var dryRun = false
    @Flag(help: "Delete the owner's triggers that the files no longer have.") var prune = false
    @Flag(help: "Don't ask before something is deleted.") var yes = false
    @Option(help: "Who keeps what is applied.") var owner = "files"
    @OptionGroup var api: APIAccess

    func validate() throws {
        guard !files.isEmpty else { throw ValidationError("-f takes a file or a folder") }
        guard (1...100).contains(owner.unicodeScalars.count) else {
            throw ValidationError("--owner takes 1 to 100 characters")
        }
        guard !prune || !files.contains("-") || yes || dryRun else {
            throw ValidationError("--prune with - needs --yes: standard input can't be asked")
        }
    }

    func run() async throws {
        let folder = try TriggerFolder(files)
        let failures = try await api.withClient { client in
            let plan = TriggerPlan(folder.triggers, existing: try await TriggerDirectory.load(client).all, owner: owner)
            let isAgreed = try agree(plan)
            var failures = 0
            for step in plan.steps {
                do {
                    for line in try await carryOut(step, client) { print(line) }
                } catch let error as CommandError {
                    failures += 1
                    Terminal.error("\(step.file): \(step.name): \(error.description)\n")
                }
            }
            // What the files have in place of something that goes must be there first.
            guard prune, isAgreed, failures == 0 else { return failures }
            for old in plan.surplus { print(try await delete(old, client)) }
            return 0
        }
        guard failures == 0 else {
            throw CommandError("\(failures) of \(folder.triggers.count) triggers could not be applied")
        }
    }

    /// Whether what is no longer in the files may be deleted.
    private func agree(_ plan: TriggerPlan) throws -> Bool {
        guard prune, !yes, !dryRun, !plan.surplus.isEmpty else { return true }
        let names = plan.surplus.map { "  \($0.name)" }.joined(separator: "\n")
        guard Terminal.canAsk else {
            throw CommandError("--prune would delete these; say --yes to have it done:\n\(names)")
        }
        guard Terminal.confirm("\(names)\nDelete \(plan.surplus.count) triggers?") else {
            throw CommandError("nothing was changed")
        }
        return true
    }

    private func carryOut(_ step: TriggerPlan.Step, _ client: APIClient) async throws -> [String] {
        let style = TextStyle.output
        let query = dryRun ? "?dry_run=true" : ""
        guard let old = step.existing else {
            _ = try await client.json("POST", "/api/v1/triggers\(query)", body: step.body)
            return [style(dryRun ? "would create   \(step.name)" : "created    \(step.name)", .added)]
        }
        let answer = try await client.json("PUT", old.path + query, body: step.body).root
        guard dryRun else {
            return [answer["version"]?.int64 == old.version ? "unchanged  \(step.name)" : "replaced   \(step.name)"]
        }
        let changes = DifferenceText(style: style).lines(answer["changes"])
        guard !changes.isEmpty else { return ["unchanged      \(step.name)"] }
        return [style("would replace  \(step.name)", .changed)] + changes.map { "    \($0)" }
    }

    private func delete(_ old: ListedTrigger, _ client: APIClient) async throws -> String {
        let style = TextStyle.output
        guard !dryRun else { return style("would delete   \(old.name)", .removed) }
        _ = try await client.json("DELETE", old.path)
        return style("deleted    \(old.name)", .removed)
    }
}

/// What has to be done for the triggers to be what the files say.
struct TriggerPlan: Sendable {
    /// A trigger of the files.
    struct Step: Sendable {
        let name: String
        let file: String
        /// The trigger of this name that there is.
        let existing: ListedTrigger?
        /// The definition with its owner, unless it names one itself.
        let body: [UInt8]
    }

    let steps: [Step]
    /// What the owner keeps and the files don't have.
    let surplus: [ListedTrigger]

    init(_ found: [TriggerFolder.Found], existing: [JSONValue], owner: String) {
        let all = existing.map { ListedTrigger(json: $0) }
        let byName = Dictionary(all.map { ($0.name, $0) }) { first, _ in first }
        steps = found.map { trigger in
            Step(
                name: trigger.name, file: trigger.file, existing: byName[trigger.name],
                body: Self.body(trigger.definition, owner: owner))
        }
        let wanted = Set(found.map(\.name))
        surplus = all.filter { $0.json["managed_by"]?.string == owner && !wanted.contains($0.name) }
    }

    private static func body(_ definition: JSONValue, owner: String) -> [UInt8] {
        guard definition.kind == .object, definition["managed_by"] == nil else { return Array(definition.source) }
        var writer = JSONWriter()
        writer.object { object in
            for (name, value) in definition.members { object.memberRaw(name, value.source) }
            object.member("managed_by", owner)
        }
        return writer.bytes
    }
}
