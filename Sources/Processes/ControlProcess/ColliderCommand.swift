import ArgumentParser
import Runtime

/// The `collider` command line: runs the stack on one box, and talks to a running gateway.
public struct ColliderCommand: AsyncParsableCommand {
    /// Name, help and subcommands.
    public static let configuration = CommandConfiguration(
        commandName: "collider",
        abstract: "Runs Collider on one box, and talks to it.",
        discussion: """
            EXAMPLES:
              collider up                                  start everything, wait until healthy
              echo '{"type":"Hello","data":{}}' | collider send -
              collider tail --type 'Hello'
              collider triggers apply -f triggers/
              collider deliveries list --status dead
              collider frames --follow

            Every setting is an environment variable or a line of .env; .env.example lists them all.
            """,
        version: ColliderVersion.current,
        subcommands: [
            UpCommand.self, DownCommand.self, StatusCommand.self, MigrateCommand.self, KeysCommand.self,
            LoginCommand.self, LogoutCommand.self, ContextCommand.self, AuditCommand.self, PeopleCommand.self,
            RetentionCommand.self, SecretsCommand.self, BudgetsCommand.self, SendCommand.self, TailCommand.self,
            TriggersCommand.self,
            DeliveriesCommand.self, FramesCommand.self, ProbeCommand.self,
        ])

    /// Made by ArgumentParser.
    public init() {}
}
