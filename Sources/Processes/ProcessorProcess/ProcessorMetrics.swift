import Metrics
import Runtime
import TriggerEngine

/// The series of the event-processor.
enum ProcessorMetrics {
    static let events = Counter(label: "processor_events")
    static let matches = Counter(label: "processor_matches")
    static let suppressed = Counter(label: "processor_suppressed_matches")
    static let firings = Counter(label: "processor_firings")
    static let timers = Counter(label: "processor_fired_timers")
    static let emitted = Counter(label: "processor_emitted_events")
    static let cut = Counter(label: "processor_cut_events")
    static let unmade = Counter(label: "processor_unmade_events")
    static let unreadable = Counter(label: "processor_unreadable_events")
    static let failures = Counter(label: "processor_failed_batches")
    static let duration = Timer(label: "processor_evaluation_duration")
    static let behind = Gauge(label: "processor_behind_seconds")
    static let triggers = Gauge(label: "processor_triggers")
    static let statesHeld = Gauge(label: "processor_states_held")
    static let statesLoaded = Counter(label: "processor_states_loaded")
    static let statesWritten = Counter(label: "processor_states_written")
    static let statesRemoved = Counter(label: "processor_states_removed")
    static let statesUnreadable = Counter(label: "processor_unreadable_states")
    static let mergedWindows = Counter(label: "processor_merged_windows")
    static let refusedGroups = Counter(label: "processor_refused_groups")
    static let forgottenValues = Counter(label: "processor_forgotten_values")
    static let indexed = Counter(label: "processor_indexed_events")
    static let indexFailures = Counter(label: "processor_failed_index_blocks")
    static let indexLag = Gauge(label: "processor_index_lag_events")
    static let learned = Counter(label: "processor_learned_events")
    static let schemaFailures = Counter(label: "processor_failed_schema_batches")
    static let schemaLag = Gauge(label: "processor_schema_lag_events")
    static let backtests = Counter(label: "processor_backtests")
    static let backtestEvents = Counter(label: "processor_backtest_events")
    static let backtestFailures = Counter(label: "processor_failed_backtests")
    static let replays = Counter(label: "processor_replays")
    static let replayedDeliveries = Counter(label: "processor_replayed_deliveries")
    static let replayFailures = Counter(label: "processor_failed_replays")

    /// Counts what states had to let go because of their bounds.
    static func count(_ counts: StateCounts) {
        mergedWindows.increment(by: counts.mergedWindows)
        refusedGroups.increment(by: counts.refusedGroups)
        forgottenValues.increment(by: counts.forgottenValues)
    }

    static let descriptions = [
        MetricDescription("processor_events", "Events evaluated."),
        MetricDescription("processor_matches", "Conditions that came true, suppressed and shadow matches included."),
        MetricDescription("processor_suppressed_matches", "Matches that a cooldown kept from firing."),
        MetricDescription("processor_firings", "Firings written, shadow firings included."),
        MetricDescription("processor_fired_timers", "Matches that came with the time and not with an event."),
        MetricDescription("processor_emitted_events", "Events appended by actions of type emit."),
        MetricDescription(
            "processor_cut_events", "Events not emitted because they would derive from more than 8 others in a row."),
        MetricDescription(
            "processor_unmade_events", "Events not emitted because what was rendered is none; the firing says why."),
        MetricDescription("processor_unreadable_events", "Events skipped because their data is no JSON."),
        MetricDescription("processor_failed_batches", "Batches undone by an error and tried again."),
        MetricDescription(
            "processor_evaluation_duration", "Time that a batch spends in the engine, without the database."),
        MetricDescription(
            "processor_behind_seconds",
            "How long ago the last event of the last batch was received, while there is more to read; else 0."),
        MetricDescription("processor_triggers", "Triggers and shadow versions that are evaluated."),
        MetricDescription("processor_states_held", "States of triggers held in memory."),
        MetricDescription("processor_states_loaded", "States of triggers read from the database."),
        MetricDescription("processor_states_written", "States of triggers written or removed by events and timers."),
        MetricDescription(
            "processor_states_removed", "States removed because they expired, or their trigger or leaf is gone."),
        MetricDescription(
            "processor_unreadable_states", "States begun anew because no engine of this release wrote them."),
        MetricDescription(
            "processor_merged_windows", "Times that neighbours in a full window were merged: it is less exact."),
        MetricDescription("processor_refused_groups", "Events not counted because their leaf has too many groups."),
        MetricDescription("processor_forgotten_values", "Different values that a full state could not remember."),
        MetricDescription("processor_indexed_events", "Events added to the index that lists are searched by."),
        MetricDescription(
            "processor_failed_index_blocks", "Blocks of the log that could not be indexed and are tried again."),
        MetricDescription(
            "processor_index_lag_events",
            "Events not in that index yet; up to 511 of each part in use, because only whole blocks are."),
        MetricDescription("processor_learned_events", "Events that the schemas of their types have learned from."),
        MetricDescription(
            "processor_failed_schema_batches", "Batches not learned from because of an error, and tried again."),
        MetricDescription("processor_schema_lag_events", "Events that schemas have not learned from yet."),
        MetricDescription("processor_backtests", "Backtests that were finished."),
        MetricDescription("processor_backtest_events", "Events read by backtests."),
        MetricDescription("processor_failed_backtests", "Backtests that broke off and are begun anew."),
        MetricDescription("processor_replays", "Replays that were finished."),
        MetricDescription("processor_replayed_deliveries", "Deliveries made by replays."),
        MetricDescription("processor_failed_replays", "Replays that broke off and are gone on with."),
    ]
}
