import CFrameLayout
import EventModel

extension Frame {
    /// Writes the frame in a layout; the sequence is left alone, because it belongs to the ring's protocol.
    ///
    /// - Parameter slot: Memory of ``FrameLayout/frameSize`` bytes, aligned to 8.
    public func encode(into slot: UnsafeMutablePointer<cfl_slot>, as layout: FrameLayout) {
        slot.pointee.frame_id = id
        let memory = UnsafeMutableRawPointer(slot)
        let filled = min(semantic.count, Self.dimensions)
        switch layout {
        case .full:
            let frame = memory.assumingMemoryBound(to: cfl_frame.self)
            let values = cfl_semantic(frame)!
            semantic.withUnsafeBufferPointer { source in
                if let first = source.baseAddress { values.update(from: first, count: filled) }
            }
            (values + filled).update(repeating: 0, count: Self.dimensions - filled)
            encode(into: cfl_frame_numbers(frame), filled: filled, scale: 0)
        case .compact:
            let frame = memory.assumingMemoryBound(to: cfl_compact_frame.self)
            let values = cfl_compact_semantic(frame)!
            let scale = semantic.withUnsafeBufferPointer { cfl_quantize($0.baseAddress, values, filled) }
            (values + filled).update(repeating: 0, count: Self.dimensions - filled)
            encode(into: cfl_compact_numbers(frame), filled: filled, scale: scale)
        }
    }

    private func encode(into numbers: UnsafeMutablePointer<cfl_numbers>, filled: Int, scale: Float) {
        numbers.pointee.delta_time = deltaTime
        numbers.pointee.duration_ms = durationMilliseconds
        numbers.pointee.velocity = velocity
        numbers.pointee.interrupt = named.interrupt
        numbers.pointee.timestamp_us = time.microseconds
        numbers.pointee.conversation_hash = conversationHash
        numbers.pointee.workflow_node = named.workflowNode
        numbers.pointee.case_status = named.caseStatus
        numbers.pointee.lead_status = named.leadStatus
        numbers.pointee.fill_rate = fillRate
        numbers.pointee.actor_type = named.actor.rawValue
        numbers.pointee.intent_id = intentID
        numbers.pointee.sentiment = sentiment
        numbers.pointee.confidence = named.confidence
        numbers.pointee.spin = (spin.w, spin.x, spin.y, spin.z)
        // Not through an array of bytes, which would cost more than all the rest.
        let identity = UnsafeMutableRawPointer(cfl_event_id(numbers)!)
        identity.storeBytes(of: eventID.high.bigEndian, as: UInt64.self)
        identity.storeBytes(of: eventID.low.bigEndian, toByteOffset: 8, as: UInt64.self)
        numbers.pointee.organization_hash = organizationHash
        numbers.pointee.semantic_dimensions = UInt16(filled)
        numbers.pointee.flags = flags.rawValue
        numbers.pointee.scale = scale
    }

    /// Reads a frame from its layout; numbers that no writer of this version writes are brought into range.
    public init(_ slot: UnsafeMutablePointer<cfl_slot>, as layout: FrameLayout) {
        let memory = UnsafeMutableRawPointer(slot)
        switch layout {
        case .full:
            let frame = memory.assumingMemoryBound(to: cfl_frame.self)
            self.init(cfl_frame_numbers(frame)) { filled, _ in
                Array(UnsafeBufferPointer(start: cfl_semantic(frame), count: filled))
            }
        case .compact:
            let frame = memory.assumingMemoryBound(to: cfl_compact_frame.self)
            self.init(cfl_compact_numbers(frame)) { filled, scale in
                UnsafeBufferPointer(start: cfl_compact_semantic(frame), count: filled).map { Float($0) * scale }
            }
        }
        id = slot.pointee.frame_id
    }

    private init(_ numbers: UnsafeMutablePointer<cfl_numbers>, semantic: (_ filled: Int, _ scale: Float) -> [Float]) {
        self.init(
            eventID: UniqueID(bytes: UnsafeBufferPointer(start: cfl_event_id(numbers), count: 16)),
            time: Timestamp(microseconds: numbers.pointee.timestamp_us),
            organizationHash: numbers.pointee.organization_hash)
        let spin = numbers.pointee.spin
        conversationHash = numbers.pointee.conversation_hash
        self.semantic = semantic(
            min(Int(numbers.pointee.semantic_dimensions), Self.dimensions), numbers.pointee.scale)
        self.spin = Spin(w: spin.0, x: spin.1, y: spin.2, z: spin.3)
        deltaTime = numbers.pointee.delta_time
        velocity = numbers.pointee.velocity
        durationMilliseconds = numbers.pointee.duration_ms
        intentID = numbers.pointee.intent_id
        fillRate = numbers.pointee.fill_rate
        named.interrupt = numbers.pointee.interrupt
        named.workflowNode = numbers.pointee.workflow_node
        named.caseStatus = numbers.pointee.case_status
        named.leadStatus = numbers.pointee.lead_status
        named.actor = NamedValues.Actor(rawValue: numbers.pointee.actor_type) ?? .system
        sentiment = numbers.pointee.sentiment
        named.confidence = numbers.pointee.confidence
        flags = FrameFlags(rawValue: numbers.pointee.flags)
    }
}
