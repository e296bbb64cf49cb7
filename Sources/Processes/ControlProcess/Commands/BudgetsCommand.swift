import ActionModel
import ArgumentParser
import EventStore
import Runtime

struct BudgetsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "budgets",
        abstract: "Shows and sets what organizations may use of the language model.",
        discussion: """
            A budget is for one day (UTC): tokens of questions and answers, and seconds in which the model is busy. An
            organization without one has that of LLM_TOKENS_PER_DAY and LLM_SECONDS_PER_DAY. What a budget does not
            hold waits for the next day.

            Works on the database itself, so it needs a running stack on this machine, or DATABASE_URL.

            EXAMPLES:
              collider budgets
              collider budgets set --organization acme --tokens 200000 --seconds 3600
              collider budgets unset --organization acme
            """,
        subcommands: [Show.self, Set.self, Unset.self], defaultSubcommand: Show.self)

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Shows each organization's budget, and what it has used today.",
            discussion: "EXAMPLE:\n  collider budgets show")

        func run() async throws {
            let database = StackDatabase(settings: try await StackSettings.load())
            let rows = try await database.withModels { try await $0.today() }
            print(
                "ORGANIZATION".padded(to: 30) + "REQUESTS".padded(to: 10) + "TOKENS TODAY".padded(to: 24)
                    + "SECONDS TODAY")
            for (organization, budget, use) in rows {
                let tokens = use.usage.promptTokens + use.usage.completionTokens
                print(
                    organization.padded(to: 30) + "\(use.requests)".padded(to: 10)
                        + Self.share(tokens, of: budget.tokensPerDay).padded(to: 24)
                        + Self.share(use.microseconds / 1_000_000, of: budget.secondsPerDay))
            }
        }

        private static func share(_ used: Int64, of bound: Int64?) -> String {
            bound.map { "\(used) of \($0)" } ?? "\(used)"
        }
    }

    struct Set: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Gives an organization a budget of its own.",
            discussion: """
                What is left out is as the installation's settings have it.

                EXAMPLE:
                  collider budgets set --organization acme --tokens 200000
                """)
        @Option(help: "Name of the organization.")
        var organization: String
        @Option(help: "Tokens a day, from 0.")
        var tokens: Int64?
        @Option(help: "Seconds a day, from 0.")
        var seconds: Int64?

        func validate() throws {
            guard tokens != nil || seconds != nil else { throw ValidationError("give --tokens, --seconds, or both") }
            guard (tokens ?? 0) >= 0, (seconds ?? 0) >= 0 else { throw ValidationError("a budget is at least 0") }
        }

        func run() async throws {
            let budget = ModelBudget(tokensPerDay: tokens, secondsPerDay: seconds)
            let database = StackDatabase(settings: try await StackSettings.load())
            let actor = try database.operatorOfStack()
            let isKnown = try await database.withModels {
                try await $0.set(budget, organization: organization, by: actor)
            }
            guard isKnown else {
                throw CommandError("no organization is called \(organization); `collider budgets` shows them all")
            }
            print("\(organization) has a budget of its own")
        }
    }

    struct Unset: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Takes an organization's own budget away, so that the installation's counts.",
            discussion: "EXAMPLE:\n  collider budgets unset --organization acme")
        @Option(help: "Name of the organization.")
        var organization: String

        func run() async throws {
            let database = StackDatabase(settings: try await StackSettings.load())
            let actor = try database.operatorOfStack()
            let isKnown = try await database.withModels {
                try await $0.set(nil, organization: organization, by: actor)
            }
            guard isKnown else {
                throw CommandError("no organization is called \(organization); `collider budgets` shows them all")
            }
            print("\(organization) has the installation's budget")
        }
    }
}
