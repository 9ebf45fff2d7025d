# One baton and a clock that never waits.
#
# Of all of a program's threads exactly one runs: the one that holds the baton.
# It gives the baton on when it sleeps, waits or ends. When no thread is ready,
# time jumps to the next timer. So a run depends on nothing but its program,
# and 18 seconds of music take as long as their Ruby code.
module VirtualTime
  # Late enough that Sonic Pi may look back, small enough that a Float holds
  # nanoseconds beside it.
  EPOCH = 1 << 20
  EPOCH_TIME = Time.at(EPOCH).freeze

  # The originals, kept before primitives.rb takes their names.
  PUSH = Thread::Queue.instance_method(:push)
  POP = Thread::Queue.instance_method(:pop)
  KILL = Thread.instance_method(:kill)
  ALIVE = Thread.instance_method(:alive?)

  # Something that happens at a time: a thread wakes, or a block is called.
  Timer = Struct.new(:time, :number, :action, :cancelled)
  # A thread that waits for somebody, perhaps not for ever.
  Waiter = Struct.new(:thread, :outcome, :timer)

  class << self
    attr_reader :now

    # Forget every thread and timer: the first act of a forked child, in which
    # only the calling thread has survived.
    def reset
      @now ||= 0.0
      @number = 0
      @ready = []
      @timers = []
      @limit = 0.0
    end

    def time
      Time.at(EPOCH + @now)
    end

    def managed?
      !Thread.current.baton.nil?
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
      thread = Thread.current
      waiter = Waiter.new(thread, nil, nil)
      thread.waiter = waiter
      list&.push(waiter)
      if seconds
        waiter.timer = at(@now + seconds) do
          list&.delete(waiter)
          rouse(waiter, :timeout)
        end
      end
      hand_on
      park
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

    def spawn(thread_class, args, block)
      baton = Thread::Queue.new
      thread = thread_class.unmanaged_new do
        me = Thread.current.managed_by(baton)
        me.begun = true
        begin
          park
          block.call(*args)
        ensure
          finish(me)
        end
      end
      thread.managed_by(baton).report_on_exception = false
      @ready << thread
      thread
    end

    # End a thread here and now: its `ensure` blocks run before the killer goes on.
    def kill(victim)
      return KILL.bind_call(victim) if victim.equal?(Thread.current)
      return if victim.finished
      Thread.pass until victim.begun
      withdraw(victim)
      @ready.unshift(Thread.current)
      KILL.bind_call(victim)
      park
    end

    # Called by the one unmanaged thread: run everybody until `seconds` of
    # virtual time have passed or nobody has anything left to do.
    def run(seconds)
      @limit = @now + seconds
      @done = Thread::Queue.new
      hand_on
      POP.bind_call(@done)
    end

    # Let every other thread that is ready run first.
    def pass
      @ready << Thread.current
      hand_on
      park
    end

    private

    def park
      POP.bind_call(Thread.current.baton)
    end

    def hand_on
      loop do
        if (thread = @ready.shift)
          return PUSH.bind_call(thread.baton, true)
        end
        timer = @timers.first
        if timer.nil? || timer.time > @limit
          @now = @limit if @limit > @now
          return PUSH.bind_call(@done, true)
        end
        @timers.shift
        next if timer.cancelled
        @now = timer.time if timer.time > @now
        timer.action.call
      end
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

    def finish(thread)
      thread.finished = true
      wake_all(thread.joiners)
      hand_on
    end

    def insert(timer)
      place = @timers.bsearch_index { |other| other.time > timer.time } || @timers.size
      @timers.insert(place, timer)
      timer
    end
  end

  reset
end
