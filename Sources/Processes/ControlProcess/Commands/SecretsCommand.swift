import ArgumentParser
import EventStore
import Runtime

struct SecretsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "secrets",
        abstract: "Shows under which keys stored secrets are encrypted, and changes the key.",
        discussion: """
            The secrets of actions and sources are stored encrypted under COLLIDER_ENCRYPTION_KEY, which `collider up`
            makes and keeps in its home where it is not set. docs/replay.md says how keys are rotated.

            Works on the database itself, so it needs a running stack on this machine, or DATABASE_URL.

            EXAMPLES:
              collider secrets
              collider secrets rotate && collider down && collider up
              collider secrets reseal
            """,
        subcommands: [Status.self, Rotate.self, Reseal.self], defaultSubcommand: Status.self)

    struct Status: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Shows how many secrets lie under which key.", discussion: "EXAMPLE:\n  collider secrets status")

        func run() async throws {
            let settings = try await StackSettings.load()
            let current = try Keyring(settings.encryption).currentID
            let (survey, used) = try await StackDatabase(settings: settings).withSecrets {
                (try await $0.survey(), try await $0.keys())
            }
            print("KEY".padded(to: 20) + "SECRETS".padded(to: 10) + "STATE")
            for key in Set(survey.sealed.keys).union(used).union([current]).sorted() {
                let state = key == current ? "current" : used.contains(key) ? "old" : "unknown"
                print(key.padded(to: 20) + "\(survey.sealed[key] ?? 0)".padded(to: 10) + state)
            }
            let earlier = survey.openVersions + survey.earlierSources
            if earlier > 0 {
                print(
                    "\(earlier) triggers and sources are as an earlier release stored them: `collider secrets reseal`")
            }
        }
    }

    struct Rotate: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Makes a new key in the home; the next `collider up` encrypts everything under it.",
            discussion: "EXAMPLE:\n  collider secrets rotate && collider down && collider up")

        func run() async throws {
            let settings = try await StackSettings.load()
            guard settings.configuration.encryption.current == nil else {
                throw CommandError(
                    "COLLIDER_ENCRYPTION_KEY is set, so the key is yours to change: put a new one there and the "
                        + "present one into COLLIDER_ENCRYPTION_KEYS_OLD, restart the services, then "
                        + "`collider secrets reseal`")
            }
            try settings.secrets.rotated().write(to: settings.home)
            print("A new key is in \(settings.home.secrets). Restart the stack: `collider down`, then `collider up`.")
        }
    }

    struct Reseal: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Encrypts everything anew that is not under the current key, and retires the others.",
            discussion: """
                Services may run meanwhile. It can be broken off and begun again.

                EXAMPLE:
                  collider secrets reseal
                """)
        @Flag(help: "Also when no gateway has used the current key yet.")
        var force = false

        func run() async throws {
            let settings = try await StackSettings.load()
            let current = try Keyring(settings.encryption).currentID
            let survey = try await StackDatabase(settings: settings).withSecrets { store in
                guard try await store.keys().contains(current) || force else {
                    throw CommandError(
                        "no gateway has used the key \(current) yet, and services that lack it could read nothing any "
                            + "more; restart them with it first, or say --force when none is running")
                }
                return try await store.reseal()
            }
            print("Encrypted \(survey.resealed) triggers and sources anew under \(current)")
            for failure in survey.failures { Terminal.error("\(failure)\n") }
            guard survey.isAll(under: current) else {
                throw CommandError("not everything lies under \(current); keep the other keys, and see above")
            }
            try settings.forgetOldKeys()
        }
    }
}
