import ArgumentParser
import JSONTree
import Outbound

struct ContextCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "context",
        abstract: "Shows for whom and for which organization commands speak, and changes that.",
        discussion: """
            EXAMPLES:
              collider context
              collider context list
              collider context use acme --profile work
            """,
        subcommands: [Show.self, List.self, Use.self], defaultSubcommand: Show.self)

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Shows the person of a profile and their organizations.",
            discussion: "EXAMPLE:\n  collider context show --profile work")
        @Option(help: "Name of the profile.")
        var profile = Profiles.usual

        func run() async throws {
            let home = try await StackSettings.home()
            try await ContextCommand.show(profile, try await ProfileSession.current(profile, in: home))
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Lists the profiles.", discussion: "EXAMPLE:\n  collider context list")

        func run() async throws {
            let home = try await StackSettings.home()
            for name in try Profiles.names(in: home) {
                print(name.padded(to: 20) + (try Profiles.read(name, in: home)?.baseURL ?? ""))
            }
        }
    }

    struct Use: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Speaks for another organization from now on.",
            discussion: "EXAMPLE:\n  collider context use acme")
        @Argument(help: "Name or id of an organization that you belong to.")
        var organization: String
        @Option(help: "Name of the profile.")
        var profile = Profiles.usual

        func run() async throws {
            let home = try await StackSettings.home()
            let current = try await ProfileSession.current(profile, in: home)
            let wanted = organization
            let me = try await ContextCommand.me(current)
            let found = me.root["organizations"]?.elements.first {
                $0["id"]?.string == wanted || $0["name"]?.string == wanted
            }
            guard let id = found?["id"]?.string else {
                throw CommandError("you belong to no organization \(organization); `collider context` shows them")
            }
            try await ContextCommand.show(
                profile, try await ProfileSession.current(profile, in: home, organization: id))
        }
    }

    static func show(_ name: String, _ profile: Profile) async throws {
        let me = try await me(profile).root
        print("\(me["username"]?.string ?? "") <\(me["email"]?.string ?? "")> at \(profile.baseURL), profile \(name)")
        for organization in me["organizations"]?.elements.map({ $0 }) ?? [] {
            let mark = organization["id"]?.string == profile.organizationID ? "*" : " "
            let role = organization["role"]?.string ?? ""
            let (id, name) = (organization["id"]?.string ?? "", organization["name"]?.string ?? "")
            print("\(mark) \(role.padded(to: 8))\(id)  \(name)")
        }
    }

    private static func me(_ profile: Profile) async throws -> JSONDocument {
        try await APIClient.withClient(baseURL: profile.baseURL, apiKey: profile.accessToken) {
            try await $0.json("GET", "/api/v1/auth/me")
        }
    }
}
