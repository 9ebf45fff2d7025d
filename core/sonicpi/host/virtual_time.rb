# A virtual clock and a cooperative scheduler: exactly one thread runs at a time.
#
# A thread yields control when it sleeps, waits or ends. When no thread is ready, time jumps to the
# next timer. So the result depends on the program alone, and 18 seconds of music take only the time
# that their Ruby code needs.
require_relative 'virtual_thread'
require_relative 'fiber_pool'

module VirtualTime
  # Large enough that Sonic Pi can subtract from it, small enough that a Float has room for
  # nanoseconds.
  EPOCH = 1 << 20
  EPOCH_TIME = Time.at(EPOCH).freeze

  # Every in_thread needs two threads and every with_fx four, of which one lives until its sound ends.
  MAX_THREADS = 4000
  # Sonic Pi's own threads may exceed the limit, so that the error names the line that starts them.
  MAX_UNNAMED_THREADS = 100
  # Cancelled timers are removed once there are this many, and more than other timers.
  MAX_CANCELLED_TIMERS = 1000

  # An action at a time: waking a thread, or calling a block.
  class Timer
    attr_reader :time

    def initialize(time, action)
      @time = time
      @action = action
    end

    def run
      action = @action
      @action = nil
      action.call
    end

    def cancel
      return if cancelled?
      @action = nil # What it refers to can be freed before its time.
      VirtualTime.count_cancelled_timer
    end

    def cancelled?
      @action.nil?
    end
  end

  # A thread that waits: in a list if others can wake it, with a timer if it waits for a limited time.
  class Waiter
    attr_accessor :outcome, :timer
    attr_reader :thread, :list

    def initialize(thread, list)
      @thread = thread
      @list = list
    end
  end

  class << self
    # `thread` is the running thread, nil outside of `run`. `root` is the fiber that called `run`.
    attr_reader :now, :thread, :root

    # Remove all threads and timers. A forked child calls this first. The block is called before the
    # threads need more fibers, with the number of fibers.
    def reset(&prepare_fibers)
      @now ||= 0.0
      @pool = FiberPool.new(&prepare_fibers)
      @ready = []
      @timers = []
      @cancelled_timer_count = 0
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
      insert_timer(Timer.new(time, action))
    end

    def count_cancelled_timer
      @cancelled_timer_count += 1
      return if @cancelled_timer_count < [MAX_CANCELLED_TIMERS, @timers.size / 2].max
      @timers.reject!(&:cancelled?)
      @cancelled_timer_count = 0
    end

    def sleep(seconds)
      return 0 if seconds <= 0
      block_on(nil, seconds)
      seconds.round
    end

    # Wait in `list` until another thread wakes this one, or `seconds` have passed. Returns :woken or
    # :timeout.
    def block_on(list, seconds = nil)
      waiter = @thread.waiter = Waiter.new(@thread, list)
      list&.push(waiter)
      if seconds
        waiter.timer = schedule_at(@now + seconds) do
          list&.delete(waiter)
          wake_waiter(waiter, :timeout)
        end
      end
      yield_control
      @thread.waiter = nil
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
      @too_many_threads&.call(@thread_count) if @thread_count > MAX_THREADS
      VirtualThread.new(args, block).tap { |thread| @ready << thread }
    end

    # Set the action for when more than MAX_THREADS threads run at once; it receives their number.
    def on_too_many_threads(&action)
      @too_many_threads = action
    end

    # Count a fiber that is not of a thread.
    def count_fiber
      @pool.count_foreign_fiber if @thread
    end

    # Set the action for when an error ends a thread; it receives the error.
    def on_failure(&action)
      @failure_action = action
    end

    def report_failure(error)
      @failure_action&.call(error)
    end

    # Return the backtraces of all threads.
    def backtraces
      @pool.backtraces
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
        next_thread.resume(@pool) # This returns when a thread has ended, or time is up.
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
      thread.yield_to(next_thread, @pool)
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
        if timer.cancelled?
          @cancelled_timer_count -= 1
          next
        end
        @now = timer.time if timer.time > @now
        timer.run
      end
      thread
    end

    def wake_waiter(waiter, outcome)
      return if waiter.outcome
      waiter.outcome = outcome
      waiter.timer&.cancel
      @ready << waiter.thread
    end

    def cancel_wait(thread)
      @ready.delete(thread)
      return unless (waiter = thread.waiter)
      waiter.outcome ||= :killed
      waiter.list&.delete(waiter)
      waiter.timer&.cancel
    end

    def insert_timer(timer)
      index = @timers.bsearch_index { |other| other.time > timer.time } || @timers.size
      @timers.insert(index, timer)
      timer
    end
  end

  reset
end
