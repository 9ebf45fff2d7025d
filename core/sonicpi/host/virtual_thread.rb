# A thread on virtual time, which runs on a fiber and has the methods of Ruby's Thread.
#
# VirtualTime decides when it runs. Switching to a fiber is a hundred times faster than switching to
# a thread of the system. It has those methods of Thread that Sonic Pi and its users call.
class VirtualThread
  # Ends a thread that waits inside of a fiber of its own, such as that of an Enumerator.
  class Killed < Exception; end # rubocop:disable Lint/InheritException

  attr_accessor :name, :priority, :report_on_exception, :abort_on_exception
  # For VirtualTime: the waiter that blocks this thread, and the waiters for the end of this thread.
  attr_accessor :waiter
  attr_reader :joiners, :held_locks

  def initialize(args, block)
    @args = args
    @block = block
    @variables = {}
    @locals = {}
    @joiners = []
    @held_locks = []
    @priority = 0
  end

  def started?
    @started
  end

  def alive?
    !@finished
  end

  def status
    return @failure ? nil : false if @finished
    current? ? 'run' : 'sleep'
  end

  def stop?
    @finished || !current?
  end

  def current?
    equal?(VirtualTime.thread)
  end

  def thread_variable_get(name)
    @variables[name.to_sym]
  end

  def thread_variable_set(name, value)
    @variables[name.to_sym] = value
  end

  def thread_variable?(name)
    @variables.key?(name.to_sym)
  end

  def thread_variables
    @variables.keys
  end

  def [](name)
    @locals[name.to_sym]
  end

  def []=(name, value)
    @locals[name.to_sym] = value
  end

  def fetch(name, *default, &block)
    @locals.fetch(name.to_sym, *default, &block)
  end

  def key?(name)
    @locals.key?(name.to_sym)
  end

  def keys
    @locals.keys
  end

  def join(limit = nil)
    VirtualTime.block_on(@joiners, limit) if alive? && VirtualTime.managed?
    return if alive?
    Kernel.raise @failure if @failure
    self
  end

  def value
    join
    @value
  end

  # End the thread at once: its `ensure` blocks run before the caller continues.
  def kill
    interrupt { @own_fiber.equal?(Fiber.current) ? throw(self) : Kernel.raise(Killed) } if alive?
    self
  end
  alias terminate kill
  alias exit kill

  def raise(*error)
    interrupt { Kernel.raise(*(error.empty? ? ['unhandled exception'] : error)) } if alive?
  end

  def wakeup
    VirtualTime.wake(self)
    self
  end
  alias run wakeup

  # For VirtualTime: start the thread, or continue it where it yielded control.
  def resume(pool)
    @fiber ? @fiber.transfer : pool.start(self)
  end

  # Yield control to another thread, or to the root fiber if it is nil, then run the interrupt that
  # another thread has set meanwhile.
  def yield_to(other, pool)
    @fiber = Fiber.current # The fiber of an Enumerator may be running.
    other ? other.resume(pool) : VirtualTime.root.transfer
    return unless (action = @interrupt)
    @interrupt = nil
    action.call
  end

  # Mark the thread as ended, and wake the threads that wait for its end.
  def mark_finished
    @finished = true
    VirtualTime.thread_ended(self)
  end

  # For FiberPool: run the whole thread in the current fiber.
  def run_block
    @started = true
    @own_fiber = Fiber.current
    catch(self) { @value = @block.call(*@args) }
  rescue SystemExit => e
    exit!(e.status)
  rescue Killed
    nil
  rescue Exception => e # rubocop:disable Lint/RescueException
    VirtualTime.report_failure(@failure = e)
  ensure
    @held_locks.dup.each(&:unlock) # As Ruby does when a thread ends.
    @fiber = @own_fiber = @args = @block = nil
    mark_finished
  end

  private

  def interrupt(&action)
    return action.call if current?
    @interrupt = action
    VirtualTime.interrupt(self)
  end
end
