import JSONTree

/// Intervals of places in cells of an implicit binary tree over all places (Edelsbrunner's interval tree, with the
/// bits of the places for its shape).
///
/// An interval is in the smallest cell that holds it whole, so it crosses the middle of that cell, and one of its ends
/// decides: of a place before the middle the lower one. So a cell has two lists, by the lower ends and by the upper
/// ones, of which the part that holds a place is a run. A cell is a few first bits; a place looks into at most one cell
/// of each level.
struct IntervalCells: Sendable {
    struct Item: BitwiseCopyable, Sendable {
        /// The end by which the list is sorted.
        let place: UInt64
        let candidate: Candidate
    }

    struct Key: FlatKey {
        let prefix: UInt64
        let partition: Int32
        let level: Int32

        var hash64: UInt64 {
            ByteString.fold(
                prefix ^ 0x9E37_79B9_7F4A_7C15, 0xE703_7ED1_A0B4_28DB &+ UInt64(UInt32(partition)) << 7 | UInt64(level))
        }
    }

    /// Lists that are put in order when somebody looks, so that loading very many costs one sorting.
    private struct SortedList: Sendable {
        var items: [Item] = []
        var sorted = 0

        /// More new items than this are sorted with all others; fewer are put where they belong.
        static let few = 8

        mutating func sort() {
            guard sorted < items.count else { return }
            if items.count - sorted > Self.few {
                items.sort { $0.place < $1.place }
            } else {
                for index in sorted..<items.count {
                    let item = items.remove(at: index)
                    items.insert(item, at: items.firstPlace(in: 0..<index) { $0.place > item.place })
                }
            }
            sorted = items.count
        }

        mutating func remove(_ placement: Int32, at place: UInt64) {
            sort()
            var index = items.firstPlace(in: 0..<items.count) { $0.place >= place }
            while items[index].candidate.placement != placement { index += 1 }
            items.remove(at: index)
            sorted = items.count
        }
    }

    private struct Cell: Sendable {
        let key: Key
        var byLow = SortedList()
        var byHigh = SortedList()
    }

    /// The level of a cell that is one place.
    static let pointLevel = 64

    private var cells: [Cell] = []
    private var free: [Int32] = []
    private var table = FlatTable<Key, Int32>()

    var isBare: Bool { table.count == 0 }

    private static func key(_ partition: Int32, level: Int, around place: UInt64) -> Key {
        Key(prefix: level == 0 ? 0 : place >> UInt64(64 - level), partition: partition, level: Int32(level))
    }

    /// Adds an interval; returns its cell and the level of that.
    mutating func add(
        _ candidate: Candidate, low: UInt64, high: UInt64, to partition: Int32
    ) -> (cell: Int32, level: Int) {
        let level = (low ^ high).leadingZeroBitCount
        let key = Self.key(partition, level: level, around: low)
        var cell = table.find(key)
        if cell < 0 {
            cell = free.popLast() ?? Int32(cells.count)
            if Int(cell) < cells.count { cells[Int(cell)] = Cell(key: key) } else { cells.append(Cell(key: key)) }
            table.insert(key, cell)
        }
        cells[Int(cell)].byLow.items.append(Item(place: low, candidate: candidate))
        cells[Int(cell)].byHigh.items.append(Item(place: high, candidate: candidate))
        return (cell, level)
    }

    /// Removes an interval; returns the partition that it was in.
    mutating func remove(_ placement: Int32, low: UInt64, high: UInt64, from cell: Int32) -> Int32 {
        cells[Int(cell)].byLow.remove(placement, at: low)
        cells[Int(cell)].byHigh.remove(placement, at: high)
        let key = cells[Int(cell)].key
        if cells[Int(cell)].byLow.items.isEmpty {
            table.remove(key)
            cells[Int(cell)] = Cell(key: key)
            free.append(cell)
        }
        return key.partition
    }

    /// The intervals of one cell that may hold a place: a run of one of its lists.
    struct Run {
        fileprivate let cell: Int32
        fileprivate let isByLow: Bool
        /// In which those are whose end lies apart from the place, so that they hold it for sure.
        let certain: Range<Int>
        /// In which those are whose end is at the place.
        let boundary: Range<Int>
    }

    subscript(run: Run, index: Int) -> Candidate {
        run.isByLow
            ? cells[Int(run.cell)].byLow.items[index].candidate : cells[Int(run.cell)].byHigh.items[index].candidate
    }

    /// Looks into the cell of a level that a place lies in; nil when there is nothing.
    mutating func run(_ partition: Int32, level: Int, around place: UInt64) -> Run? {
        let cell = table.find(Self.key(partition, level: level, around: place))
        guard cell >= 0 else { return nil }
        let isBeforeMiddle = level < Self.pointLevel && place >> UInt64(63 - level) & 1 == 0
        if isBeforeMiddle || level == Self.pointLevel {
            cells[Int(cell)].byLow.sort()
            let count = cells[Int(cell)].byLow.items.count
            let end = cells[Int(cell)].byLow.items.firstPlace(in: 0..<count) { $0.place > place }
            let start = cells[Int(cell)].byLow.items.firstPlace(in: 0..<end) { $0.place >= place }
            return Run(cell: cell, isByLow: true, certain: 0..<start, boundary: start..<end)
        }
        cells[Int(cell)].byHigh.sort()
        let count = cells[Int(cell)].byHigh.items.count
        let start = cells[Int(cell)].byHigh.items.firstPlace(in: 0..<count) { $0.place >= place }
        let end = cells[Int(cell)].byHigh.items.firstPlace(in: start..<count) { $0.place > place }
        return Run(cell: cell, isByLow: false, certain: end..<count, boundary: start..<end)
    }
}

extension Array {
    /// The first index of a range at which a condition holds that holds from there on.
    fileprivate func firstPlace(in range: Range<Int>, _ holds: (Element) -> Bool) -> Int {
        var low = range.lowerBound
        var high = range.upperBound
        while low < high {
            let middle = (low + high) / 2
            if holds(self[middle]) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
