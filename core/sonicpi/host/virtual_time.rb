# A clock that never waits, and threads of which exactly one runs.
#
# A thread gives way when it sleeps, waits or ends. When none is ready,
# time jumps to the next timer. So a run depends on nothing but its program,
# and 18 seconds of music take as long as their Ruby code.
require_relative 'virtual_thread'

module VirtualTime
  # Late enough that Sonic Pi may look back, small enough that a Float holds
  # nanoseconds beside it.
  EPOCH = 1 << 20
  EPOCH_TIME = Time.at(EPOCH).freeze

  # Each reserves 0.8 MB of a program's memory for its stacks.
  MOST_THREADS = 1000

  # Something that happens at a time: a thread wakes, or a block is called.
  Timer = Struct.new(:time, :number, :action, :cancelled)
  # A thread that waits for somebody, perhaps not for ever.
  Waiter = Struct.new(:thread, :outcome, :timer)

  class << self
    # `thread` is the one that runs, nil outside of `run`.
    attr_reader :now, :thread

    # Forget every thread and timer: the first act of a forked child.
    def reset
      @now ||= 0.0
      @number = 0
      @ready = []
      @timers = []
      @limit = 0.0
      @thread = nil
      @alive = 0
    end

    def time
      Time.at(EPOCH + @now)
    end

    def managed?
      !@thread.nil?
    end

    # Call a block when virtual time reaches `time`. It must not wait.
    def at(time, &action)
      insert(Timer.new(time, @number += 1, action, false))
    end

    def sleep(seconds)
      return 0 if seconds <= 0
      block_on(nil, seconds)
      seconds.round
    end

    # Wait in `list` until somebody wakes this thread, or `seconds` are over.
    # Returns :woken or :timeout.
    def block_on(list, seconds = nil)
      waiter = @thread.waiter = Waiter.new(@thread, nil, nil)
      list&.push(waiter)
      if seconds
        waiter.timer = at(@now + seconds) do
          list&.delete(waiter)
          rouse(waiter, :timeout)
        end
      end
      give_way
      waiter.outcome
    end

    # Wake the first that waits in `list`, if any.
    def wake_one(list)
      while (waiter = list.shift)
        return rouse(waiter, :woken) unless waiter.outcome
      end
    end

    def wake_all(list)
      wake_one(list) until list.empty?
    end

    # Wake a thread from whatever it waits for.
    def wake(thread)
      rouse(thread.waiter, :woken) if thread.waiter
    end

    def spawn(args, block)
      @alive += 1
      @too_many&.call if @alive > MOST_THREADS
      VirtualThread.new(args, block).tap { |thread| @ready << thread }
    end

    # What to do when a program has begun more threads than it may.
    def too_many(&action)
      @too_many = action
    end

    def ended(thread)
      @alive -= 1
      wake_all(thread.joiners)
    end

    # Let a thread face at once what another has in store for it.
    def interrupt(victim)
      withdraw(victim)
      return victim.finish unless victim.begun?
      @ready.unshift(victim, @thread)
      give_way
    end

    # Run everybody until `seconds` of virtual time have passed or nobody has anything left to do.
    def run(seconds)
      @limit = @now + seconds
      @root = Fiber.current
      while (following = next_ready)
        @thread = following
        following.go_on # comes back when a thread has ended, or time is up
      end
    ensure
      @thread = nil
    end

    # Let every other thread that is ready run first.
    def pass
      @ready << @thread
      give_way
    end

    private

    def give_way
      thread = @thread
      following = next_ready
      return if following.equal?(thread)
      @thread = following if following
      thread.give_way_to(following || @root)
    end

    # The thread whose turn it is; nil when time is up or nobody is left.
    def next_ready
      until (thread = @ready.shift)
        timer = @timers.first
        if timer.nil? || timer.time > @limit
          @now = @limit if @limit > @now
          return
        end
        @timers.shift
        next if timer.cancelled
        @now = timer.time if timer.time > @now
        timer.action.call
      end
      thread
    end

    def rouse(waiter, outcome)
      return if waiter.outcome
      waiter.outcome = outcome
      waiter.timer.cancelled = true if waiter.timer
      @ready << waiter.thread
    end

    def withdraw(thread)
      @ready.delete(thread)
      return unless (waiter = thread.waiter)
      waiter.outcome ||= :killed
      waiter.timer.cancelled = true if waiter.timer
    end

    def insert(timer)
      place = @timers.bsearch_index { |other| other.time > timer.time } || @timers.size
      @timers.insert(place, timer)
      timer
    end
  end

  reset
end
