# Ruby's threads, locks, queues and clocks, taught to pass the baton.
#
# Sonic Pi's own code runs unchanged on top of these. A thread that VirtualTime
# did not start (the host's own) keeps Ruby's originals.
require 'monitor'
require_relative 'virtual_time'

class Thread
  attr_accessor :begun, :finished, :waiter
  attr_reader :baton, :joiners

  class << self
    alias unmanaged_new new

    def new(*args, &block)
      raise ThreadError, 'must be called with a block' unless block
      VirtualTime.spawn(self, args, block)
    end
    alias start new
    alias fork new

    def pass
      VirtualTime.pass if VirtualTime.managed?
    end
  end

  def managed_by(baton)
    @baton = baton
    @joiners ||= []
    self
  end
end

module ManagedThread
  def join(limit = nil)
    return super unless baton && VirtualTime.managed?
    VirtualTime.block_on(joiners, limit) unless finished
    finished ? super() : nil
  end

  def value
    join
    super
  end

  def alive?
    super && !finished
  end

  def kill
    baton && VirtualTime.managed? ? VirtualTime.kill(self) : super
    self
  end
  alias terminate kill
  alias exit kill
end
Thread.prepend(ManagedThread)

module ManagedMutex
  def lock
    return super unless VirtualTime.managed?
    raise ThreadError, 'deadlock; recursive locking' if owned?
    VirtualTime.block_on(@waiting ||= []) until try_lock
    self
  end

  def unlock
    super
    VirtualTime.wake_one(@waiting) if @waiting
    self
  end

  def synchronize
    lock
    begin
      yield
    ensure
      unlock if owned?
    end
  end

  def sleep(seconds = nil)
    return super unless VirtualTime.managed?
    unlock
    begin
      VirtualTime.block_on([], seconds)
    ensure
      lock
    end
  end
end
Thread::Mutex.prepend(ManagedMutex)

module ManagedConditionVariable
  def wait(mutex, seconds = nil)
    return super unless VirtualTime.managed?
    mutex.unlock
    begin
      VirtualTime.block_on(@waiting ||= [], seconds)
    ensure
      mutex.lock
    end
    self
  end

  def signal
    super
    VirtualTime.wake_one(@waiting) if @waiting
    self
  end

  def broadcast
    super
    VirtualTime.wake_all(@waiting) if @waiting
    self
  end
end
Thread::ConditionVariable.prepend(ManagedConditionVariable)

module ManagedMonitor
  def enter
    return super unless VirtualTime.managed?
    VirtualTime.block_on(@waiting ||= []) until try_enter
  end
  alias mon_enter enter

  def exit
    super
    VirtualTime.wake_one(@waiting) if @waiting
  end
  alias mon_exit exit

  def synchronize
    enter
    begin
      yield
    ensure
      self.exit
    end
  end
  alias mon_synchronize synchronize
end
Monitor.prepend(ManagedMonitor)

module ManagedQueue
  def pop(non_block = false)
    return super unless VirtualTime.managed? && !non_block
    VirtualTime.block_on(@waiting ||= []) while empty? && !closed?
    super(closed?).tap { VirtualTime.wake_one(@pushers) if @pushers }
  end
  alias shift pop
  alias deq pop

  def push(item, *rest)
    super
    VirtualTime.wake_one(@waiting) if @waiting
    self
  end
  alias << push
  alias enq push

  def close
    super
    VirtualTime.wake_all(@waiting) if @waiting
    self
  end
end
Thread::Queue.prepend(ManagedQueue)

module ManagedSizedQueue
  include ManagedQueue

  def push(item, non_block = false)
    if VirtualTime.managed? && !non_block
      VirtualTime.block_on(@pushers ||= []) while size >= max && !closed?
    end
    super
  end
  alias << push
  alias enq push
end
Thread::SizedQueue.prepend(ManagedSizedQueue)

module ManagedSleep
  def sleep(*seconds)
    return super unless VirtualTime.managed?
    seconds.empty? ? VirtualTime.block_on([]) : VirtualTime.sleep(seconds.first || 0)
  end
end
Kernel.singleton_class.prepend(ManagedSleep)

class Time
  class << self
    alias unmanaged_now now

    def now(*)
      VirtualTime.managed? ? VirtualTime.time : unmanaged_now
    end
  end
end

module ManagedClock
  def clock_gettime(clock, unit = :float_second)
    return super unless VirtualTime.managed?
    seconds = VirtualTime::EPOCH + VirtualTime.now
    case unit
    when :float_second then seconds
    when :float_millisecond then seconds * 1e3
    when :float_microsecond then seconds * 1e6
    when :second then seconds.to_i
    when :millisecond then (seconds * 1e3).to_i
    when :microsecond then (seconds * 1e6).to_i
    when :nanosecond then (seconds * 1e9).to_i
    else super
    end
  end
end
Process.singleton_class.prepend(ManagedClock)
