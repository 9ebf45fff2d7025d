# A virtual clock and a cooperative scheduler: exactly one thread runs at a time.
#
# A thread yields control when it sleeps, waits or ends. When no thread is ready, time jumps to the
# next timer. So the result depends on the program alone, and 18 seconds of music take only the time
# that their Ruby code needs.
require_relative 'virtual_thread'

module VirtualTime
  # Large enough that Sonic Pi can subtract from it, small enough that a Float has room for
  # nanoseconds.
  EPOCH = 1 << 20
  EPOCH_TIME = Time.at(EPOCH).freeze

  # Each thread reserves 0.8 MB of memory for its stacks.
  MAX_THREADS = 1000

  # An action at a time: waking a thread, or calling a block.
  Timer = Struct.new(:time, :action, :cancelled)
  # A thread that waits, with a timer if it waits for a limited time.
  Waiter = Struct.new(:thread, :outcome, :timer)

  class << self
    # `thread` is the running thread, nil outside of `run`.
    attr_reader :now, :thread

    # Remove all threads and timers. A forked child calls this first.
    def reset
      @now ||= 0.0
      @ready = []
      @timers = []
      @limit = 0.0
      @thread = nil
      @thread_count = 0
    end

    def time
      Time.at(EPOCH + @now)
    end

    def managed?
      !@thread.nil?
    end

    # Call a block when virtual time reaches `time`. The block must not wait.
    def schedule_at(time, &action)
      insert_timer(Timer.new(time, action, false))
    end

    def sleep(seconds)
      return 0 if seconds <= 0
      block_on(nil, seconds)
      seconds.round
    end

    # Wait in `list` until another thread wakes this one, or `seconds` have passed. Returns :woken or
    # :timeout.
    def block_on(list, seconds = nil)
      waiter = @thread.waiter = Waiter.new(@thread, nil, nil)
      list&.push(waiter)
      if seconds
        waiter.timer = schedule_at(@now + seconds) do
          list&.delete(waiter)
          wake_waiter(waiter, :timeout)
        end
      end
      yield_control
      waiter.outcome
    end

    # Wake the first thread that waits in `list`, if any.
    def wake_one(list)
      while (waiter = list.shift)
        return wake_waiter(waiter, :woken) unless waiter.outcome
      end
    end

    def wake_all(list)
      wake_one(list) until list.empty?
    end

    # Wake a thread, whatever it waits for.
    def wake(thread)
      wake_waiter(thread.waiter, :woken) if thread.waiter
    end

    def spawn(args, block)
      @thread_count += 1
      @too_many_threads&.call if @thread_count > MAX_THREADS
      VirtualThread.new(args, block).tap { |thread| @ready << thread }
    end

    # Set the action for when a program exceeds MAX_THREADS.
    def on_too_many_threads(&action)
      @too_many_threads = action
    end

    def thread_ended(thread)
      @thread_count -= 1
      wake_all(thread.joiners)
    end

    # Switch to a thread at once, so that it runs its interrupt, then back.
    def interrupt(target)
      cancel_wait(target)
      return target.mark_finished unless target.started?
      @ready.unshift(target, @thread)
      yield_control
    end

    # Run all threads until `seconds` of virtual time have passed, or no thread has anything to do.
    def run(seconds)
      @limit = @now + seconds
      @root = Fiber.current
      while (next_thread = next_ready_thread)
        @thread = next_thread
        next_thread.resume # This returns when a thread has ended, or time is up.
      end
    ensure
      @thread = nil
    end

    # Let all other ready threads run first.
    def pass
      @ready << @thread
      yield_control
    end

    private

    def yield_control
      thread = @thread
      next_thread = next_ready_thread
      return if next_thread.equal?(thread)
      @thread = next_thread if next_thread
      thread.yield_to(next_thread || @root)
    end

    # Return the next ready thread; nil when time is up or no thread can continue.
    def next_ready_thread
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

    def wake_waiter(waiter, outcome)
      return if waiter.outcome
      waiter.outcome = outcome
      waiter.timer.cancelled = true if waiter.timer
      @ready << waiter.thread
    end

    def cancel_wait(thread)
      @ready.delete(thread)
      return unless (waiter = thread.waiter)
      waiter.outcome ||= :killed
      waiter.timer.cancelled = true if waiter.timer
    end

    def insert_timer(timer)
      index = @timers.bsearch_index { |other| other.time > timer.time } || @timers.size
      @timers.insert(index, timer)
      timer
    end
  end

  reset
end
