// SPDX-License-Identifier: Apache-2.0

/// Files as kernels from 5.10 to 7.x write them.
enum KernelTexts {
    /// 5.10: no `pagetables`, no `kernel`.
    static let memoryStat510 = """
        anon 35164160
        file 4595712
        kernel_stack 147456
        percpu 0
        sock 0
        shmem 4055040
        file_mapped 0
        file_dirty 0
        file_writeback 0
        anon_thp 0
        inactive_anon 39084032
        active_anon 0
        inactive_file 405504
        active_file 135168
        unevictable 0
        slab_reclaimable 312224
        slab_unreclaimable 187288
        slab 499512
        workingset_refault_anon 0
        workingset_refault_file 0
        pgfault 9834
        pgmajfault 33
        pgrefill 0

        """

    /// 6.1: `kernel` sums up what belongs to the kernel.
    static let memoryStat61 = """
        anon 31457280
        file 8192000
        kernel 1204224
        kernel_stack 81920
        pagetables 167936
        sec_pagetables 0
        percpu 0
        sock 4096
        vmalloc 0
        shmem 1048576
        zswap 0
        zswapped 0
        file_mapped 4096
        slab_reclaimable 423672
        slab_unreclaimable 301256
        slab 724928
        pgfault 21010
        pgmajfault 7

        """

    /// 7.x: more lines, in another order.
    static let memoryStat7 = """
        anon 31457280
        file 8192000
        kernel 1204224
        kernel_stack 81920
        pagetables 167936
        sec_pagetables 0
        percpu 0
        sock 4096
        vmalloc 0
        shmem 1048576
        zswap 0
        zswapped 0
        zswap_incomp 0
        hugetlb 2097152
        slab 724928
        workingset_nodereclaim 0
        pgdemote_kswapd 0
        pgscan_proactive 0
        pswpin 0
        pswpout 0
        pgfault 21010
        pgmajfault 7
        numa_pages_migrated 0
        thp_swpout 0

        """

    static let memoryEvents510 = "low 0\nhigh 0\nmax 274\noom 1\noom_kill 1\n"
    static let memoryEvents517 = "low 0\nhigh 3\nmax 274\noom 2\noom_kill 5\noom_group_kill 1\n"
    static let memoryEvents7 = "low 0\nhigh 3\nmax 274\noom 2\noom_kill 5\noom_group_kill 1\nsock_throttled 0\n"

    static let cpuStat510 =
        "usage_usec 1747203\nuser_usec 1346159\nsystem_usec 401044\nnr_periods 12\nnr_throttled 11\nthrottled_usec 860123\n"
    static let cpuStat61 = cpuStat510 + "nr_bursts 0\nburst_usec 0\n"
    static let cpuStat612 = """
        usage_usec 1747203
        user_usec 1346159
        system_usec 401044
        nice_usec 77
        core_sched.force_idle_usec 0
        nr_periods 12
        nr_throttled 11
        throttled_usec 860123
        nr_bursts 0
        burst_usec 0

        """
    /// Without the cpu controller only the times are there.
    static let cpuStatBare = "usage_usec 1747203\nuser_usec 1346159\nsystem_usec 401044\nnice_usec 0\n"

    static let pressure = """
        some avg10=1.53 avg60=0.87 avg300=0.23 total=2684354
        full avg10=0.00 avg60=0.12 avg300=0.03 total=1048577

        """
    /// cpu.pressure until 5.12.
    static let pressureSome = "some avg10=0.00 avg60=0.00 avg300=0.00 total=41\n"

    static let memoryStatV1 = """
        cache 643072
        rss 1060864
        rss_huge 0
        shmem 4096
        pgmajfault 3
        hierarchical_memory_limit 33554432
        hierarchical_memsw_limit 33554432
        total_cache 2592768
        total_rss 1843200
        total_rss_huge 0
        total_shmem 36864
        total_pgmajfault 13

        """
}
